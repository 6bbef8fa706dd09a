/* A video source whose frames this program draws: blue, with more and more squares. */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* 1500×845 at 30 frames per second. */
GstElement *canvas_source_new (GError ** error);

G_END_DECLS
