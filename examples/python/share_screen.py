#!/usr/bin/env python3
"""Shares a screen, makes it black and white for a while, and stops sharing."""

import canvas
from call import Call, LocalStream, arguments, main, source


def run(options):
    if options.screen:
        shared = source("ximagesrc use-damage=false ! video/x-raw,framerate=15/1")
    else:
        shared = canvas.source()

    with Call("acscallsink", options) as call:
        share = LocalStream(call, "screen", shared)
        call.join()
        call.step("Sharing the screen")

        share.set_filter(source("bwfilter"))
        call.step("Black and white")

        share.set_filter(None)
        call.step("In colour again")

        share.stop()
        call.step("Sharing nothing, still in the call")
        print("Leaving")


parser = arguments("Shares a screen, and inserts and removes a black-and-white filter.")
parser.add_argument(
    "--screen", action="store_true",
    help="share the real screen (X11) instead of a drawn canvas",
)
main(run, parser.parse_args())
