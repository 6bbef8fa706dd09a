/* See call.h. */

#include "call.h"

#include <glib-unix.h>
#include <locale.h>
#include <stdio.h>

G_DEFINE_QUARK (call-error-quark, call_error);

static gchar *option_call = NULL;
static gchar *option_user = NULL;
static gchar *option_server = NULL;
static gdouble option_seconds_per_step = 5.0;

static const GOptionEntry options[] = {
  {"call", 0, 0, G_OPTION_ARG_STRING, &option_call,
      "The call to join (demo)", "CALL"},
  {"user", 0, 0, G_OPTION_ARG_STRING, &option_user,
      "The user to join as (a generated name)", "USER"},
  {"server", 0, 0, G_OPTION_ARG_STRING, &option_server,
      "The signalling server (ws://127.0.0.1:7788)", "URL"},
  {"seconds-per-step", 0, 0, G_OPTION_ARG_DOUBLE, &option_seconds_per_step,
      "The duration of each step (5)", "SECONDS"},
  G_OPTION_ENTRY_NULL
};

gboolean
call_init (int *argc, char ***argv, const gchar * summary,
    const GOptionEntry * more, GError ** error)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  setlocale (LC_ALL, "");
  /* Print each line at once, even into a pipe. */
  setvbuf (stdout, NULL, _IOLBF, 0);
  g_option_context_set_summary (context, summary);
  g_option_context_add_main_entries (context, options, NULL);
  if (more)
    g_option_context_add_main_entries (context, more, NULL);
  /* This option group initialises GStreamer. */
  g_option_context_add_group (context, gst_init_get_option_group ());
  return g_option_context_parse (context, argc, argv, error);
}

static gboolean
on_signal (gpointer user_data)
{
  Call *call = user_data;

  call_fail (call, g_error_new_literal (CALL_ERROR, CALL_ERROR_INTERRUPTED,
          "Interrupted"));
  return G_SOURCE_CONTINUE;
}

static gboolean
on_message (GstBus * bus G_GNUC_UNUSED, GstMessage * message,
    gpointer user_data)
{
  Call *call = user_data;

  switch (GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_ERROR:{
      GError *error = NULL;

      gst_message_parse_error (message, &error, NULL);
      g_prefix_error (&error, "%s: ", GST_MESSAGE_SRC_NAME (message));
      call_fail (call, error);
      break;
    }
    case GST_MESSAGE_WARNING:{
      g_autoptr (GError) warning = NULL;

      gst_message_parse_warning (message, &warning, NULL);
      g_printerr ("Warning: %s\n", warning->message);
      break;
    }
    case GST_MESSAGE_LATENCY:
      /* A new source may have a higher latency than the others. */
      gst_bin_recalculate_latency (GST_BIN (call->pipeline));
      break;
    default:
      break;
  }

  if (call->each && call->each (call, message, call->user_data)) {
    call->reached = TRUE;
    /* Leave the following messages to the next call_wait(). */
    call->each = NULL;
    g_main_loop_quit (call->loop);
  }
  return G_SOURCE_CONTINUE;
}

Call *
call_new (const gchar * factory, GError ** error)
{
  g_autoptr (Call) call = g_new0 (Call, 1);
  g_autoptr (GstBus) bus = NULL;

  call->loop = g_main_loop_new (NULL, FALSE);
  call->pipeline = gst_pipeline_new (NULL);
  call->element = gst_element_factory_make (factory, NULL);
  if (!call->element) {
    g_set_error (error, CALL_ERROR, CALL_ERROR_FAILED,
        "There is no element %s: is GST_PLUGIN_PATH set?", factory);
    return NULL;
  }
  g_object_set (call->element, "call", option_call ? option_call : "demo",
      NULL);
  if (option_user)
    g_object_set (call->element, "user", option_user, NULL);
  if (option_server)
    g_object_set (call->element, "server", option_server, NULL);
  /* Wait for the first receiver: until then nothing is sent and the pipeline does not reach
   * PLAYING, so nobody misses the beginning. */
  if (g_str_equal (factory, "acscallsink"))
    g_object_set (call->element, "wait-for", 1, NULL);
  gst_bin_add (GST_BIN (call->pipeline), call->element);

  bus = gst_element_get_bus (call->pipeline);
  call->bus_watch = gst_bus_add_watch (bus, on_message, call);
  /* Leave the call on Ctrl-C: the other participants see that at once instead of after a
   * timeout. */
  call->signals[0] = g_unix_signal_add (SIGINT, on_signal, call);
  call->signals[1] = g_unix_signal_add (SIGTERM, on_signal, call);
  return g_steal_pointer (&call);
}

void
call_free (Call * call)
{
  gst_element_set_state (call->pipeline, GST_STATE_NULL);
  for (guint i = 0; i < G_N_ELEMENTS (call->signals); i++)
    g_clear_handle_id (&call->signals[i], g_source_remove);
  g_clear_handle_id (&call->bus_watch, g_source_remove);
  g_clear_error (&call->error);
  gst_clear_object (&call->pipeline);
  g_main_loop_unref (call->loop);
  g_free (call);
}

gboolean
call_start (Call * call, GError ** error)
{
  g_autoptr (GstBus) bus = NULL;
  g_autoptr (GstMessage) message = NULL;

  if (gst_element_set_state (call->pipeline, GST_STATE_PLAYING) !=
      GST_STATE_CHANGE_FAILURE)
    return TRUE;
  /* The error message is more precise than the failed state change. */
  bus = gst_element_get_bus (call->pipeline);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  if (message)
    gst_message_parse_error (message, error, NULL);
  else
    g_set_error_literal (error, CALL_ERROR, CALL_ERROR_FAILED,
        "The pipeline does not start");
  return FALSE;
}

static gboolean
is_connected (Call * call G_GNUC_UNUSED, GstMessage * message,
    gpointer user_data G_GNUC_UNUSED)
{
  return call_message_is (message, "acscall-state") &&
      g_strcmp0 (gst_structure_get_string (gst_message_get_structure (message),
          "state"), "connected") == 0;
}

static gboolean
is_preroll_done (Call * call G_GNUC_UNUSED, GstMessage * message,
    gpointer user_data G_GNUC_UNUSED)
{
  return GST_MESSAGE_TYPE (message) == GST_MESSAGE_ASYNC_DONE;
}

gboolean
call_join (Call * call, GError ** error)
{
  if (!call_start (call, error) ||
      !call_wait_for (call, CALL_PATIENCE, "the call", is_connected, NULL,
          error))
    return FALSE;
  g_print ("In the call, waiting for a receiver\n");
  return call_wait (call, CALL_FOREVER, is_preroll_done, NULL, error);
}

gboolean
call_step (Call * call, const gchar * what, GError ** error)
{
  g_print ("%s\n", what);
  return call_wait (call, option_seconds_per_step, NULL, NULL, error);
}

static gboolean
on_timeout (gpointer user_data)
{
  Call *call = user_data;

  g_main_loop_quit (call->loop);
  return G_SOURCE_CONTINUE;
}

gboolean
call_wait (Call * call, gdouble seconds, CallMessageFunc each,
    gpointer user_data, GError ** error)
{
  guint timeout = 0;

  call->each = each;
  call->user_data = user_data;
  call->reached = FALSE;
  if (seconds >= 0)
    timeout = g_timeout_add (seconds * 1000, on_timeout, call);
  if (!call->error)
    g_main_loop_run (call->loop);
  call->each = NULL;
  g_clear_handle_id (&timeout, g_source_remove);
  if (call->error)
    g_propagate_error (error, g_error_copy (call->error));
  return !call->error;
}

gboolean
call_wait_for (Call * call, gdouble seconds, const gchar * what,
    CallMessageFunc each, gpointer user_data, GError ** error)
{
  if (!call_wait (call, seconds, each, user_data, error))
    return FALSE;
  if (!call->reached)
    g_set_error (error, CALL_ERROR, CALL_ERROR_TIMEOUT,
        "Still waiting for %s after %.0f s", what, seconds);
  return call->reached;
}

void
call_fail (Call * call, GError * error)
{
  /* The first error is the cause of the others. */
  if (call->error)
    g_error_free (error);
  else
    call->error = error;
  g_main_loop_quit (call->loop);
}

gboolean
call_message_is (GstMessage * message, const gchar * name)
{
  return GST_MESSAGE_TYPE (message) == GST_MESSAGE_ELEMENT &&
      gst_message_has_name (message, name);
}

GstElement *
call_parse (const gchar * description, GError ** error)
{
  g_autoptr (GError) problem = NULL;
  GstElement *bin =
      gst_parse_bin_from_description (description, TRUE, &problem);

  /* On an error the function may still return a bin, with what it could create. */
  if (problem) {
    g_clear_pointer (&bin, gst_object_unref);
    g_propagate_error (error, g_steal_pointer (&problem));
  }
  return bin;
}

gboolean
call_link (GstPad * from, GstPad * to, GError ** error)
{
  GstPadLinkReturn result = gst_pad_link (from, to);

  if (GST_PAD_LINK_SUCCESSFUL (result))
    return TRUE;
  g_set_error (error, CALL_ERROR, CALL_ERROR_FAILED,
      "%s:%s cannot be linked to %s:%s: %s", GST_DEBUG_PAD_NAME (from),
      GST_DEBUG_PAD_NAME (to), gst_pad_link_get_name (result));
  return FALSE;
}

void
call_remove (Call * call, GstElement * element)
{
  /* The pipeline may be changing the state of its elements on another thread. */
  gst_element_set_locked_state (element, TRUE);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_bin_remove (GST_BIN (call->pipeline), element);
}

int
call_exit (const GError * error)
{
  if (!error)
    return 0;
  if (g_error_matches (error, CALL_ERROR, CALL_ERROR_INTERRUPTED)) {
    g_print ("%s\n", error->message);
    return 0;
  }
  g_printerr ("Error: %s\n", error->message);
  return 1;
}
