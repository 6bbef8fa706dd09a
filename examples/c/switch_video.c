/* Sends a camera, then frames that the program draws, then another camera.
 *
 *   target/c/switch_video --call=demo
 */

#include "call.h"
#include "canvas.h"
#include "local_stream.h"

static gchar **devices = NULL;

static const GOptionEntry entries[] = {
  {"device", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &devices,
      "Use a real camera such as /dev/video0 instead of a test picture; give two "
      "to switch between them", "DEVICE"},
  G_OPTION_ENTRY_NULL
};

static GstElement *
real_camera (const gchar * device, GError ** error)
{
  /* Most cameras send JPEG at their largest sizes. */
  g_autofree gchar *description =
      g_strdup_printf ("v4l2src device=\"%s\" ! decodebin ! videoconvert",
      device);

  return call_parse (description, error);
}

static GstElement *
test_camera (const gchar * pattern, gint width, gint height, GError ** error)
{
  g_autofree gchar *description =
      g_strdup_printf ("videotestsrc is-live=true pattern=%s ! capsfilter "
      "caps=video/x-raw,format=I420,width=%d,height=%d,framerate=30/1",
      pattern, width, height);

  return call_parse (description, error);
}

static GstElement *
first_camera (GError ** error)
{
  return devices ? real_camera (devices[0], error) :
      test_camera ("smpte", 640, 480, error);
}

static GstElement *
other_camera (GError ** error)
{
  return devices ? real_camera (devices[g_strv_length (devices) - 1], error) :
      test_camera ("pinwheel", 1280, 720, error);
}

static gboolean
run (GError ** error)
{
  g_autoptr (Call) call = NULL;
  g_autoptr (LocalStream) video = NULL;
  GstElement *source;

  if (!(call = call_new ("acscallsink", error)))
    return FALSE;
  if (!(source = first_camera (error)) ||
      !(video = local_stream_start (call, "video", source, error)))
    return FALSE;
  if (!call_join (call, error) ||
      !call_step (call, "Sending the camera", error))
    return FALSE;

  /* Another size and format: the receivers see the new picture in place of the old one. */
  if (!(source = canvas_source_new (error)) ||
      !local_stream_switch (video, source, error) ||
      !call_step (call, "Sending a custom video, 1500×845", error))
    return FALSE;

  /* Both cameras may be the same device, which can be opened only once: stop it before starting the
   * other. */
  g_clear_pointer (&video, local_stream_stop);
  if (!call_step (call, "Sending no video, still in the call", error))
    return FALSE;

  if (!(source = other_camera (error)) ||
      !(video = local_stream_start (call, "video", source, error)) ||
      !call_step (call, "Sending the other camera", error))
    return FALSE;

  g_clear_pointer (&video, local_stream_stop);
  g_print ("Leaving\n");
  return TRUE;
}

int
main (int argc, char *argv[])
{
  g_autoptr (GError) error = NULL;

  if (call_init (&argc, &argv,
          "Switches between cameras and custom video during a call.", entries,
          &error))
    run (&error);
  return call_exit (error);
}
