/* A pipeline that takes part in a call, and its main loop. */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* The timeout for a camera, a server or a stream, in seconds. */
#define CALL_PATIENCE 20.0
/* No timeout. */
#define CALL_FOREVER -1.0

#define CALL_ERROR (call_error_quark ())
GQuark call_error_quark (void);

typedef enum
{
  CALL_ERROR_FAILED,
  /* The awaited event did not happen in time. */
  CALL_ERROR_TIMEOUT,
  /* The user pressed Ctrl-C. */
  CALL_ERROR_INTERRUPTED,
} CallError;

typedef struct _Call Call;

/* Called for each message on the bus. TRUE ends the wait. */
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
  /* The error that ended the call. */
  GError *error;
};

/* Initialises GStreamer and parses the command line: the options of all examples, and those of this
 * one in @more. */
gboolean call_init (int *argc, char ***argv, const gchar * summary,
    const GOptionEntry * more, GError ** error);

Call *call_new (const gchar * factory, GError ** error);
/* Leaves the call. */
void call_free (Call * call);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Call, call_free);

/* Starts the pipeline, which joins the call, without waiting. */
gboolean call_start (Call * call, GError ** error);
/* Starts the pipeline and waits until it is in the call and has a receiver. */
gboolean call_join (Call * call, GError ** error);
/* Prints the current state, @what, and waits for --seconds-per-step. */
gboolean call_step (Call * call, const gchar * what, GError ** error);

/* Handles the messages of the bus for @seconds, or until @each returns TRUE. @each may be NULL.
 * Returns FALSE if the call has failed. */
gboolean call_wait (Call * call, gdouble seconds, CallMessageFunc each,
    gpointer user_data, GError ** error);
/* Like call_wait(), but a timeout is an error, whose text contains @what. */
gboolean call_wait_for (Call * call, gdouble seconds, const gchar * what,
    CallMessageFunc each, gpointer user_data, GError ** error);
/* Ends call_wait() with @error. For a CallMessageFunc. Takes ownership of @error. */
void call_fail (Call * call, GError * error);

/* Whether @message is an element message of this name. */
gboolean call_message_is (GstMessage * message, const gchar * name);

/* Creates a bin from a description in the syntax of gst-launch-1.0. Its one unlinked pad becomes
 * the ghost pad "src" or "sink". */
GstElement *call_parse (const gchar * description, GError ** error);
/* Links two pads. */
gboolean call_link (GstPad * from, GstPad * to, GError ** error);
/* Stops @element and removes it and its links from the pipeline. */
void call_remove (Call * call, GstElement * element);

/* Prints @error, if there is one, and returns the exit code. */
int call_exit (const GError * error);

G_END_DECLS
