"""A video source whose frames this program draws: blue, with more and more squares."""

import random
import time

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402

WIDTH, HEIGHT, SQUARE, FRAMES_PER_SECOND = 1500, 845, 100, 30

# In the byte order of BGRx.
BLUE = bytes((255, 0, 0, 0))
RED, YELLOW, GREEN = bytes((0, 0, 255, 0)), bytes((0, 255, 255, 0)), bytes((0, 128, 0, 0))


def source():
    """Creates the source: 1500×845 at 30 frames per second."""
    canvas = bytearray(BLUE * WIDTH * HEIGHT)
    due = None

    def need_data(appsrc, _length):
        # Called on the source's own thread when its queue is empty. It may block until the next
        # frame is due.
        nonlocal due
        now = time.monotonic()
        due = max(due or now, now - 1) + 1 / FRAMES_PER_SECOND
        time.sleep(max(0, due - now))
        draw_square(canvas)
        picture = Gst.Buffer.new_wrapped_bytes(GLib.Bytes.new(bytes(canvas)))
        # Fails while the source is being stopped.
        appsrc.emit("push-buffer", picture)

    appsrc = Gst.ElementFactory.make("appsrc")
    appsrc.set_property("caps", Gst.Caps.from_string(
        f"video/x-raw,format=BGRx,width={WIDTH},height={HEIGHT},"
        f"framerate={FRAMES_PER_SECOND}/1"
    ))
    appsrc.set_property("format", Gst.Format.TIME)
    # A live source, which timestamps each frame when it is pushed.
    appsrc.set_property("is-live", True)
    appsrc.set_property("do-timestamp", True)
    appsrc.connect("need-data", need_data)
    return appsrc


def draw_square(canvas):
    """Draws a square of a random colour at a random position, clipped to the canvas."""
    colour = random.choice((RED, YELLOW, GREEN))
    left, top = random.randrange(WIDTH), random.randrange(HEIGHT)
    width = min(SQUARE, WIDTH - left)
    for row in range(top, min(top + SQUARE, HEIGHT)):
        start = (row * WIDTH + left) * 4
        canvas[start:start + width * 4] = colour * width
