#!/usr/bin/env python3
"""Sends a camera, then frames that the program draws, then another camera."""

import canvas
from call import Call, LocalStream, arguments, main, source


def run(options):
    if options.device:
        camera, other_camera = real_camera(options.device[0]), real_camera(options.device[-1])
    else:
        camera, other_camera = test_camera("smpte", 640, 480), test_camera("pinwheel", 1280, 720)

    with Call("acscallsink", options) as call:
        video = LocalStream(call, "video", source(camera))
        call.join()
        call.step("Sending the camera")

        # Another size and format: the receivers see the new picture in place of the old one.
        video.switch(canvas.source())
        call.step("Sending a custom video, 1500×845")

        # Both cameras may be the same device, which can be opened only once: stop it before
        # starting the other.
        video.stop()
        call.step("Sending no video, still in the call")

        video = LocalStream(call, "video", source(other_camera))
        call.step("Sending the other camera")

        video.stop()
        print("Leaving")


def test_camera(pattern, width, height):
    return (
        f"videotestsrc is-live=true pattern={pattern} "
        f"! capsfilter caps=video/x-raw,format=I420,width={width},height={height},framerate=30/1"
    )


def real_camera(device):
    # Most cameras send JPEG at their largest sizes.
    return f'v4l2src device="{device}" ! decodebin ! videoconvert'


parser = arguments("Switches between cameras and custom video during a call.")
parser.add_argument(
    "--device", action="append",
    help="use a real camera such as /dev/video0 instead of a test picture; "
    "give two to switch between them",
)
main(run, parser.parse_args())
