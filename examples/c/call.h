/* A pipeline that takes part in a call, and the main loop that it lives in. */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* How long a camera, a server or a stream may take, in seconds. */
#define CALL_PATIENCE 20.0
/* For those who wait for as long as it takes. */
#define CALL_FOREVER -1.0

#define CALL_ERROR (call_error_quark ())
GQuark call_error_quark (void);

typedef enum
{
  CALL_ERROR_FAILED,
  /* What was waited for did not happen. */
  CALL_ERROR_TIMEOUT,
  /* Somebody pressed Ctrl-C. */
  CALL_ERROR_INTERRUPTED,
} CallError;

typedef struct _Call Call;

/* Is told each message of the bus. TRUE ends the waiting. */
typedef gboolean (*CallMessageFunc) (Call * call, GstMessage * message,
    gpointer user_data);

struct _Call
{
  GstElement *pipeline;
  /* acscallsink to send, acscallsrc to receive. The pipeline owns it. */
  GstElement *element;

  /*< private > */
  GMainLoop *loop;
  guint bus_watch;
  guint signals[2];
  CallMessageFunc each;
  gpointer user_data;
  gboolean reached;
  /* Why the call cannot go on. */
  GError *error;
};

/* Initialises GStreamer and takes what all examples have from the command line; @more are the
 * options of this one. */
gboolean call_init (int *argc, char ***argv, const gchar * summary,
    const GOptionEntry * more, GError ** error);

Call *call_new (const gchar * factory, GError ** error);
/* Leaves the call. */
void call_free (Call * call);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Call, call_free);

/* Starts the pipeline, which joins the call. Does not wait for it. */
gboolean call_start (Call * call, GError ** error);
/* Starts the pipeline, and waits until it is in the call and somebody receives what it sends. */
gboolean call_join (Call * call, GError ** error);
/* Tells what is so from now on, and lets it be so for --seconds-per-step. */
gboolean call_step (Call * call, const gchar * what, GError ** error);

/* Handles the bus for so many seconds, or until @each says TRUE of a message. @each may be NULL.
 * FALSE if the call cannot go on. */
gboolean call_wait (Call * call, gdouble seconds, CallMessageFunc each,
    gpointer user_data, GError ** error);
/* The same, but that the time goes by is an error, in which @what is named. */
gboolean call_wait_for (Call * call, gdouble seconds, const gchar * what,
    CallMessageFunc each, gpointer user_data, GError ** error);
/* Ends the waiting with an error, from a CallMessageFunc. Takes @error. */
void call_fail (Call * call, GError * error);

/* Whether @message is an element message of this name. */
gboolean call_message_is (GstMessage * message, const gchar * name);

/* A part of a pipeline in the words of gst-launch-1.0, whose one open end is its pad "src", or
 * "sink". */
GstElement *call_parse (const gchar * description, GError ** error);
/* Links two pads, or says why not. */
gboolean call_link (GstPad * from, GstPad * to, GError ** error);
/* Stops @element and takes it out of the pipeline, with its links. */
void call_remove (Call * call, GstElement * element);

/* The end of an example: tells what went wrong, if anything did. Returns the exit code. */
int call_exit (const GError * error);

G_END_DECLS
