/* A stream that is sent to a call. Its source can be switched during the call. */

#pragma once

#include "call.h"

G_BEGIN_DECLS

/* The source of one pad of acscallsink, with an optional filter behind it.
 *
 * The pad stays when the source changes. The receivers see one stream whose picture changes from
 * one frame to the next. */
typedef struct
{
  Call *call;
  GstPad *pad;
  /* The pipeline owns both. */
  GstElement *source;
  GstElement *filter;
} LocalStream;

/* Sends @source as the call's @kind: "audio", "video" or "screen". Takes ownership of @source. */
LocalStream *local_stream_start (Call * call, const gchar * kind,
    GstElement * source, GError ** error);
/* Sends @source instead of the current source. Fails if it produces no buffer; the current source
 * then continues. Takes ownership of @source. */
gboolean local_stream_switch (LocalStream * stream, GstElement * source,
    GError ** error);
/* Inserts @filter behind the source, in place of the previous one; NULL only removes that. Takes
 * ownership of @filter. */
gboolean local_stream_set_filter (LocalStream * stream, GstElement * filter,
    GError ** error);
/* Mutes or unmutes the stream. The source keeps running. */
void local_stream_set_muted (LocalStream * stream, gboolean muted);
/* Ends the stream. The call continues. */
void local_stream_stop (LocalStream * stream);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LocalStream, local_stream_stop);

G_END_DECLS
