/* Joins a call with the microphone, sends a tone for a while, returns to the microphone, and mutes
 * it.
 *
 *   target/c/switch_audio --call=demo
 */

#include "call.h"
#include "local_stream.h"

static gboolean real_microphone = FALSE;

static const GOptionEntry entries[] = {
  {"microphone", 0, 0, G_OPTION_ARG_NONE, &real_microphone,
      "Use the real microphone instead of generated ticks", NULL},
  G_OPTION_ENTRY_NULL
};

static GstElement *
microphone (GError ** error)
{
  return call_parse (real_microphone ?
      "autoaudiosrc ! audioconvert ! audioresample "
      "! capsfilter caps=audio/x-raw,format=S16LE,rate=48000" :
      "audiotestsrc is-live=true wave=ticks "
      "! capsfilter caps=audio/x-raw,format=S16LE,rate=48000,channels=1",
      error);
}

static GstElement *
tone (GError ** error)
{
  return call_parse ("audiotestsrc is-live=true freq=500 "
      "! capsfilter caps=audio/x-raw,format=S16LE,rate=48000,channels=2",
      error);
}

static gboolean
run (GError ** error)
{
  g_autoptr (Call) call = NULL;
  g_autoptr (LocalStream) audio = NULL;
  GstElement *source;

  if (!(call = call_new ("acscallsink", error)))
    return FALSE;
  if (!(source = microphone (error)) ||
      !(audio = local_stream_start (call, "audio", source, error)))
    return FALSE;
  if (!call_join (call, error) ||
      !call_step (call, "Sending the microphone", error))
    return FALSE;

  if (!(source = tone (error)) ||
      !local_stream_switch (audio, source, error) ||
      !call_step (call, "Sending a tone of 500 Hz", error))
    return FALSE;

  if (!(source = microphone (error)) ||
      !local_stream_switch (audio, source, error) ||
      !call_step (call, "Sending the microphone again", error))
    return FALSE;

  local_stream_set_muted (audio, TRUE);
  if (!call_step (call, "Muted", error))
    return FALSE;

  local_stream_set_muted (audio, FALSE);
  if (!call_step (call, "Unmuted", error))
    return FALSE;

  g_clear_pointer (&audio, local_stream_stop);
  if (!call_step (call, "Sending no audio, still in the call", error))
    return FALSE;
  g_print ("Leaving\n");
  return TRUE;
}

int
main (int argc, char *argv[])
{
  g_autoptr (GError) error = NULL;

  if (call_init (&argc, &argv,
          "Switches to custom audio during a call, and back.", entries, &error))
    run (&error);
  return call_exit (error);
}
