#!/usr/bin/env python3
"""Joins a call with the microphone, sends a tone for a while, returns to the microphone,
and mutes it."""

from call import Call, LocalStream, arguments, main, source


def run(options):
    if options.microphone:
        microphone = (
            "autoaudiosrc ! audioconvert ! audioresample "
            "! capsfilter caps=audio/x-raw,format=S16LE,rate=48000"
        )
    else:
        microphone = (
            "audiotestsrc is-live=true wave=ticks "
            "! capsfilter caps=audio/x-raw,format=S16LE,rate=48000,channels=1"
        )
    tone = (
        "audiotestsrc is-live=true freq=500 "
        "! capsfilter caps=audio/x-raw,format=S16LE,rate=48000,channels=2"
    )

    with Call("acscallsink", options) as call:
        audio = LocalStream(call, "audio", source(microphone))
        call.join()
        call.step("Sending the microphone")

        audio.switch(source(tone))
        call.step("Sending a tone of 500 Hz")

        audio.switch(source(microphone))
        call.step("Sending the microphone again")

        audio.set_muted(True)
        call.step("Muted")

        audio.set_muted(False)
        call.step("Unmuted")

        audio.stop()
        call.step("Sending no audio, still in the call")
        print("Leaving")


parser = arguments("Switches to custom audio during a call, and back.")
parser.add_argument(
    "--microphone", action="store_true",
    help="use the real microphone instead of generated ticks",
)
main(run, parser.parse_args())
