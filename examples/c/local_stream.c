/* See local_stream.h. */

#include "local_stream.h"

/* A source without a buffer for this time has stalled, such as an unplugged camera. In seconds. */
#define STALLED 1.0

#define BLOCKED "blocked"

/* Called on the source's own thread: only posts a message. */
static GstPadProbeReturn
on_blocked (GstPad * pad, GstPadProbeInfo * info G_GNUC_UNUSED,
    gpointer user_data)
{
  GstElement *pipeline = user_data;

  gst_element_post_message (pipeline,
      gst_message_new_application (GST_OBJECT (pad),
          gst_structure_new_empty (BLOCKED)));
  return GST_PAD_PROBE_OK;
}

static gboolean
is_blocked (Call * call G_GNUC_UNUSED, GstMessage * message,
    gpointer user_data)
{
  return GST_MESSAGE_TYPE (message) == GST_MESSAGE_APPLICATION &&
      gst_message_has_name (message, BLOCKED) &&
      GST_MESSAGE_SRC (message) == GST_OBJECT (user_data);
}

/* Holds the next buffer of @pad until the probe is removed or the source is stopped. */
static gulong
hold (Call * call, GstPad * pad)
{
  /* Only buffers: a live source holds a lock while it sends its caps, and stopping it needs that
   * lock. */
  return gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BLOCK |
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, on_blocked,
      gst_object_ref (call->pipeline), gst_object_unref);
}

/* Blocks @pad between two buffers. */
static gulong
block (Call * call, GstPad * pad)
{
  gulong probe = hold (call, pad);
  g_autoptr (GError) error = NULL;

  /* A stalled source is between two buffers, too, so a timeout is no error. The next wait reports
   * other errors. */
  call_wait_for (call, STALLED, "a buffer", is_blocked, pad, &error);
  return probe;
}

LocalStream *
local_stream_start (Call * call, const gchar * kind, GstElement * source,
    GError ** error)
{
  g_autoptr (GstPad) output = gst_element_get_static_pad (source, "src");
  LocalStream *stream;
  GstPad *pad;

  gst_bin_add (GST_BIN (call->pipeline), source);
  pad = gst_element_request_pad_simple (call->element, kind);
  if (!pad) {
    g_set_error (error, CALL_ERROR, CALL_ERROR_FAILED,
        "%s is already being sent", kind);
    call_remove (call, source);
    return NULL;
  }
  if (!call_link (output, pad, error)) {
    gst_element_release_request_pad (call->element, pad);
    gst_object_unref (pad);
    call_remove (call, source);
    return NULL;
  }
  gst_element_sync_state_with_parent (source);

  stream = g_new0 (LocalStream, 1);
  stream->call = call;
  stream->pad = pad;
  stream->source = source;
  return stream;
}

gboolean
local_stream_switch (LocalStream * stream, GstElement * source,
    GError ** error)
{
  Call *call = stream->call;
  g_autoptr (GstPad) new_pad = gst_element_get_static_pad (source, "src");
  g_autoptr (GstPad) old_pad =
      gst_element_get_static_pad (stream->source, "src");
  g_autoptr (GstPad) next = NULL;
  gulong probe;

  /* Hold the new source at its first buffer. The old one continues until then, so the time that a
   * device needs to open causes no gap. */
  probe = hold (call, new_pad);
  gst_bin_add (GST_BIN (call->pipeline), source);
  gst_element_sync_state_with_parent (source);
  if (!call_wait_for (call, CALL_PATIENCE, "the new source", is_blocked,
          new_pad, error)) {
    call_remove (call, source);
    return FALSE;
  }

  /* Block it first: a source that pushes to an unlinked pad fails. */
  block (call, old_pad);
  next = gst_pad_get_peer (old_pad);
  gst_pad_unlink (old_pad, next);
  if (!call_link (new_pad, next, error)) {
    call_remove (call, source);
    return FALSE;
  }
  gst_pad_remove_probe (new_pad, probe);
  /* This also turns off the camera's light. A blocked source can be stopped. */
  call_remove (call, stream->source);
  stream->source = source;
  return TRUE;
}

gboolean
local_stream_set_filter (LocalStream * stream, GstElement * filter,
    GError ** error)
{
  Call *call = stream->call;
  g_autoptr (GstPad) output =
      gst_element_get_static_pad (stream->source, "src");
  g_autoptr (GstPad) next = gst_pad_get_peer (output);
  /* The source waits meanwhile, so no frame is lost. */
  gulong probe = block (call, output);
  gboolean linked;

  gst_pad_unlink (output, next);
  if (stream->filter)
    call_remove (call, stream->filter);
  stream->filter = filter;
  if (filter) {
    g_autoptr (GstPad) in = gst_element_get_static_pad (filter, "sink");
    g_autoptr (GstPad) out = gst_element_get_static_pad (filter, "src");

    gst_bin_add (GST_BIN (call->pipeline), filter);
    linked = call_link (out, stream->pad, error);
    /* Before linking: the source may send its caps at any time. */
    gst_element_sync_state_with_parent (filter);
    linked = linked && call_link (output, in, error);
  } else {
    linked = call_link (output, stream->pad, error);
  }
  gst_pad_remove_probe (output, probe);
  return linked;
}

void
local_stream_set_muted (LocalStream * stream, gboolean muted)
{
  g_object_set (stream->pad, "muted", muted, NULL);
}

void
local_stream_stop (LocalStream * stream)
{
  Call *call = stream->call;
  g_autoptr (GstPad) output =
      gst_element_get_static_pad (stream->source, "src");

  block (call, output);
  call_remove (call, stream->source);
  if (stream->filter)
    call_remove (call, stream->filter);
  /* Now the stream is not available to the others. */
  gst_element_release_request_pad (call->element, stream->pad);
  gst_object_unref (stream->pad);
  g_free (stream);
}
