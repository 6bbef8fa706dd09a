/* See canvas.h. */

#include "canvas.h"

#include "call.h"

#include <gst/app/app.h>
#include <gst/video/video.h>

#define WIDTH 1500
#define HEIGHT 845
#define SQUARE 100
#define FRAMES_PER_SECOND 30

/* In the byte order of BGRx. */
static const guint8 blue[4] = { 255, 0, 0, 0 };

static const guint8 colours[][4] = {
  {0, 0, 255, 0},               /* red */
  {0, 255, 255, 0},             /* yellow */
  {0, 128, 0, 0},               /* green */
};

typedef struct
{
  guint8 pixels[HEIGHT][WIDTH][4];
  GRand *random;
  /* A periodic clock ID with the interval of the frames. */
  GstClockID frame;
} Canvas;

static void
canvas_free (Canvas * canvas)
{
  g_rand_free (canvas->random);
  if (canvas->frame)
    gst_clock_id_unref (canvas->frame);
  g_free (canvas);
}

/* Draws a square of a random colour at a random position, clipped to the canvas. */
static void
draw_square (Canvas * canvas)
{
  gint left = g_rand_int_range (canvas->random, 0, WIDTH);
  gint top = g_rand_int_range (canvas->random, 0, HEIGHT);
  const guint8 *colour =
      colours[g_rand_int_range (canvas->random, 0, G_N_ELEMENTS (colours))];

  for (gint y = top; y < MIN (top + SQUARE, HEIGHT); y++)
    for (gint x = left; x < MIN (left + SQUARE, WIDTH); x++)
      memcpy (canvas->pixels[y][x], colour, sizeof (canvas->pixels[y][x]));
}

/* Called on the source's own thread when its queue is empty. It may block until the next frame is
 * due. */
static void
need_data (GstAppSrc * appsrc, guint length G_GNUC_UNUSED, gpointer user_data)
{
  Canvas *canvas = user_data;

  if (!canvas->frame) {
    g_autoptr (GstClock) clock = gst_system_clock_obtain ();

    canvas->frame = gst_clock_new_periodic_id (clock,
        gst_clock_get_time (clock), GST_SECOND / FRAMES_PER_SECOND);
  }
  gst_clock_id_wait (canvas->frame, NULL);
  draw_square (canvas);
  /* Fails while the source is being stopped. */
  gst_app_src_push_buffer (appsrc,
      gst_buffer_new_memdup (canvas->pixels, sizeof (canvas->pixels)));
}

GstElement *
canvas_source_new (GError ** error)
{
  static GstAppSrcCallbacks callbacks = {.need_data = need_data };
  g_autoptr (GstCaps) caps = gst_caps_new_simple ("video/x-raw",
      "format", G_TYPE_STRING, "BGRx",
      "width", G_TYPE_INT, WIDTH,
      "height", G_TYPE_INT, HEIGHT,
      "framerate", GST_TYPE_FRACTION, FRAMES_PER_SECOND, 1, NULL);
  /* A live source, which timestamps each frame when it is pushed. */
  GstElement *appsrc = gst_element_factory_make_full ("appsrc",
      "caps", caps, "format", GST_FORMAT_TIME, "is-live", TRUE,
      "do-timestamp", TRUE, NULL);
  Canvas *canvas;

  if (!appsrc) {
    g_set_error_literal (error, CALL_ERROR, CALL_ERROR_FAILED,
        "There is no element appsrc");
    return NULL;
  }
  canvas = g_new0 (Canvas, 1);
  canvas->random = g_rand_new ();
  for (gsize i = 0; i < WIDTH * HEIGHT; i++)
    memcpy (canvas->pixels[i / WIDTH][i % WIDTH], blue, sizeof (blue));
  gst_app_src_set_callbacks (GST_APP_SRC (appsrc), &callbacks, canvas,
      (GDestroyNotify) canvas_free);
  return appsrc;
}
