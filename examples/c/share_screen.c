/* Shares a screen, makes it black and white for a while, and stops sharing.
 *
 *   target/c/share_screen --call=demo
 */

#include "call.h"
#include "canvas.h"
#include "local_stream.h"

static gboolean real_screen = FALSE;

static const GOptionEntry entries[] = {
  {"screen", 0, 0, G_OPTION_ARG_NONE, &real_screen,
      "Share the real screen (X11) instead of a drawn canvas",
      NULL},
  G_OPTION_ENTRY_NULL
};

static gboolean
run (GError ** error)
{
  g_autoptr (Call) call = NULL;
  g_autoptr (LocalStream) share = NULL;
  GstElement *shared, *filter;

  if (!(call = call_new ("acscallsink", error)))
    return FALSE;
  shared = real_screen ?
      call_parse ("ximagesrc use-damage=false ! video/x-raw,framerate=15/1",
      error) : canvas_source_new (error);
  if (!shared ||
      !(share = local_stream_start (call, "screen", shared, error)))
    return FALSE;
  if (!call_join (call, error) ||
      !call_step (call, "Sharing the screen", error))
    return FALSE;

  if (!(filter = call_parse ("bwfilter", error)) ||
      !local_stream_set_filter (share, filter, error) ||
      !call_step (call, "Black and white", error))
    return FALSE;

  if (!local_stream_set_filter (share, NULL, error) ||
      !call_step (call, "In colour again", error))
    return FALSE;

  g_clear_pointer (&share, local_stream_stop);
  if (!call_step (call, "Sharing nothing, still in the call", error))
    return FALSE;
  g_print ("Leaving\n");
  return TRUE;
}

int
main (int argc, char *argv[])
{
  g_autoptr (GError) error = NULL;

  if (call_init (&argc, &argv,
          "Shares a screen, and inserts and removes a black-and-white filter.",
          entries, &error))
    run (&error);
  return call_exit (error);
}
