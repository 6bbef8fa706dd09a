/* Receives every camera and screen that appears, and the audio of everybody, and measures them.
 *
 *   target/c/incoming --call=demo
 */

#include "call.h"

#include <gst/app/app.h>
#include <gst/video/video.h>
#include <math.h>

static gdouble seconds = CALL_FOREVER;

static const GOptionEntry entries[] = {
  {"seconds", 0, 0, G_OPTION_ARG_DOUBLE, &seconds,
      "Leave after this time (stay until Ctrl-C)", "SECONDS"},
  G_OPTION_ENTRY_NULL
};

/* Requests a pad of the call and links @branch to it. The stream need not exist yet. Takes
 * ownership of @branch. */
static gboolean
connect_branch (Call * call, const gchar * name, GstElement * branch,
    GError ** error)
{
  g_autoptr (GstPad) output = NULL;
  g_autoptr (GstPad) input = gst_element_get_static_pad (branch, "sink");

  gst_bin_add (GST_BIN (call->pipeline), branch);
  gst_element_sync_state_with_parent (branch);
  output = gst_element_request_pad_simple (call->element, name);
  if (!output) {
    g_set_error (error, CALL_ERROR, CALL_ERROR_FAILED, "There is no pad %s",
        name);
    return FALSE;
  }
  return call_link (output, input, error);
}

static gdouble
mean_luma (const GstVideoFrame * frame)
{
  const guint8 *row = GST_VIDEO_FRAME_PLANE_DATA (frame, 0);
  gint width = GST_VIDEO_FRAME_WIDTH (frame);
  gint height = GST_VIDEO_FRAME_HEIGHT (frame);
  guint64 sum = 0;

  for (gint y = 0; y < height; y++) {
    for (gint x = 0; x < width; x++)
      sum += row[x];
    /* A row may be padded. */
    row += GST_VIDEO_FRAME_PLANE_STRIDE (frame, 0);
  }
  return (gdouble) sum / ((gdouble) width * height);
}

/* The last printed values of a pad. */
typedef struct
{
  gchar *pad;
  gint width;
  gint height;
  GstClockTime second;
} Watch;

static void
watch_free (Watch * watch)
{
  g_free (watch->pad);
  g_free (watch);
}

/* Called for every frame, on a streaming thread. */
static GstFlowReturn
on_new_sample (GstAppSink * sink, gpointer user_data)
{
  Watch *watch = user_data;
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (sink);
  GstVideoInfo info;
  GstVideoFrame frame;
  GstClockTime second;
  gdouble luma;

  if (!sample)
    return GST_FLOW_EOS;
  if (!gst_video_info_from_caps (&info, gst_sample_get_caps (sample)) ||
      !gst_video_frame_map (&frame, &info, gst_sample_get_buffer (sample),
          GST_MAP_READ))
    return GST_FLOW_NOT_NEGOTIATED;
  luma = mean_luma (&frame);
  gst_video_frame_unmap (&frame);

  /* Print once a second, and when the size changes. */
  second = GST_BUFFER_PTS (gst_sample_get_buffer (sample)) / GST_SECOND;
  if (second != watch->second || info.width != watch->width ||
      info.height != watch->height) {
    watch->second = second;
    watch->width = info.width;
    watch->height = info.height;
    g_print ("%s: %d×%d, mean luma %.0f\n", watch->pad, info.width,
        info.height, luma);
  }
  return GST_FLOW_OK;
}

/* Processes the frames of a pad. */
static gboolean
watch_pad (Call * call, const gchar * pad, GError ** error)
{
  static GstAppSinkCallbacks callbacks = {.new_sample = on_new_sample };
  /* GRAY8 consists of the luma. With async=false the pipeline does not wait for the first frame,
   * which may come late. */
  GstElement *branch = call_parse ("queue ! videoconvert "
      "! video/x-raw,format=GRAY8 ! appsink name=frames async=false", error);
  g_autoptr (GstElement) frames = NULL;
  Watch *watch;

  if (!branch)
    return FALSE;
  frames = gst_bin_get_by_name (GST_BIN (branch), "frames");
  watch = g_new0 (Watch, 1);
  watch->pad = g_strdup (pad);
  gst_app_sink_set_callbacks (GST_APP_SINK (frames), &callbacks, watch,
      (GDestroyNotify) watch_free);
  return connect_branch (call, pad, branch, error);
}

static void
print_level (const GstStructure * structure)
{
  const GValueArray *channels =
      g_value_get_boxed (gst_structure_get_value (structure, "rms"));
  gdouble loudest = -INFINITY;

  for (guint i = 0; i < channels->n_values; i++)
    loudest = MAX (loudest, g_value_get_double (&channels->values[i]));
  g_print ("Everybody: %.0f dB\n", loudest);
}

/* Prints a message, and watches the pad of a new picture. */
static gboolean
on_message (Call * call, GstMessage * message, gpointer user_data)
{
  GHashTable *watched = user_data;
  const GstStructure *structure = gst_message_get_structure (message);

  if (call_message_is (message, "acscall-state")) {
    g_print ("The call is %s\n", gst_structure_get_string (structure, "state"));
  } else if (call_message_is (message, "acscall-participant")) {
    g_print ("%s is %s\n",
        gst_structure_get_string (structure, "participant"),
        gst_structure_get_string (structure, "state"));
  } else if (call_message_is (message, "acscall-stream")) {
    const gchar *pad = gst_structure_get_string (structure, "pad");
    const gchar *kind = gst_structure_get_string (structure, "kind");
    gboolean available = FALSE;

    gst_structure_get_boolean (structure, "available", &available);
    g_print ("%s is %s\n", pad, available ? "on" : "off");
    /* The pad stays when the stream is turned off, and continues with the next one. */
    if (available && !g_str_equal (kind, "audio") &&
        g_hash_table_add (watched, g_strdup (pad))) {
      g_autoptr (GError) error = NULL;

      if (!watch_pad (call, pad, &error))
        call_fail (call, g_steal_pointer (&error));
    }
  } else if (call_message_is (message, "level")) {
    print_level (structure);
  }
  return FALSE;
}

static gboolean
run (GError ** error)
{
  g_autoptr (Call) call = NULL;
  g_autoptr (GHashTable) watched =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GstElement *heard;

  if (!(call = call_new ("acscallsrc", error)))
    return FALSE;
  /* The mix of everybody. The pad delivers sound or silence from the start. */
  heard = call_parse ("audioconvert ! level interval=1000000000 "
      "! fakesink async=false", error);
  if (!heard || !connect_branch (call, "audio", heard, error) ||
      !call_start (call, error))
    return FALSE;
  return call_wait (call, seconds, on_message, watched, error);
}

int
main (int argc, char *argv[])
{
  g_autoptr (GError) error = NULL;

  if (call_init (&argc, &argv,
          "Watches the streams of a call come and go, and processes their "
          "frames.", entries, &error))
    run (&error);
  return call_exit (error);
}
