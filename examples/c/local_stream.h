/* A stream that is sent into a call, whose source can be switched in mid-call. */

#pragma once

#include "call.h"

G_BEGIN_DECLS

/* What feeds one pad of acscallsink: a source, and maybe a filter behind it.
 *
 * The pad stays while the source changes, so that for the others it is one stream that shows
 * something else from one frame to the next. */
typedef struct
{
  Call *call;
  GstPad *pad;
  /* The pipeline owns both. */
  GstElement *source;
  GstElement *filter;
} LocalStream;

/* Sends @source as the call's @kind: "audio", "video" or "screen". Takes @source. */
LocalStream *local_stream_start (Call * call, const gchar * kind,
    GstElement * source, GError ** error);
/* Sends @source in place of what was sent until now. If it gives nothing that is an error, and
 * the old one goes on. Takes @source. */
gboolean local_stream_switch (LocalStream * stream, GstElement * source,
    GError ** error);
/* Puts @filter behind the source, or with NULL takes out the one that is there. Takes @filter. */
gboolean local_stream_set_filter (LocalStream * stream, GstElement * filter,
    GError ** error);
/* Goes on without sending, or sends again. The source runs on. */
void local_stream_set_muted (LocalStream * stream, gboolean muted);
/* Ends the stream. The call goes on. */
void local_stream_stop (LocalStream * stream);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LocalStream, local_stream_stop);

G_END_DECLS
