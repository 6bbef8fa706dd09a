#!/usr/bin/env python3
"""Receives every camera and screen that appears, and the audio of everybody, and measures them."""

from call import Call, arguments, link, main, say
from gi.repository import Gst


def run(options):
    watched = set()

    with Call("acscallsrc", options) as call:

        def show(message):
            """Prints a message, and watches the pad of a new picture."""
            structure = message.get_structure()
            name = structure.get_name() if structure else None
            if name == "acscall-state":
                say(f"The call is {structure.get_value('state')}")
            elif name == "acscall-participant":
                say(f"{structure.get_value('participant')} is {structure.get_value('state')}")
            elif name == "acscall-stream":
                pad, available = structure.get_value("pad"), structure.get_value("available")
                say(f"{pad} is {'on' if available else 'off'}")
                # The pad stays when the stream is turned off, and continues with the next one.
                if structure.get_value("kind") != "audio" and available and pad not in watched:
                    watched.add(pad)
                    watch(call, pad)
            elif name == "level":
                say(f"Everybody: {max(structure.get_value('rms')):.0f} dB")

        # The mix of everybody. The pad delivers sound or silence from the start.
        heard = branch("audioconvert ! level interval=1000000000 ! fakesink async=false")
        connect(call, "audio", heard)
        call.start()
        call.wait(options.seconds, show)


def watch(call, pad):
    """Processes the frames of a pad."""
    last = None

    def new_sample(frames):
        nonlocal last
        sample = frames.emit("pull-sample")
        if not sample:
            return Gst.FlowReturn.EOS
        size, luma = mean_luma(sample)
        # Print once a second, and when the size changes.
        now = size, sample.get_buffer().pts // Gst.SECOND
        if now != last:
            last = now
            say(f"{pad}: {size[0]}×{size[1]}, mean luma {luma:.0f}")
        return Gst.FlowReturn.OK

    # GRAY8 consists of the luma. With async=false the pipeline does not wait for the first frame,
    # which may come late.
    pictures = branch(
        "queue ! videoconvert ! video/x-raw,format=GRAY8 "
        "! appsink name=frames emit-signals=true async=false"
    )
    pictures.get_by_name("frames").connect("new-sample", new_sample)
    connect(call, pad, pictures)


def mean_luma(sample):
    caps = sample.get_caps().get_structure(0)
    width, height = caps.get_value("width"), caps.get_value("height")
    # Each row is padded to a multiple of four bytes.
    stride = (width + 3) // 4 * 4
    data = sample.get_buffer().extract_dup(0, stride * height)
    rows = (data[row * stride:row * stride + width] for row in range(height))
    return (width, height), sum(map(sum, rows)) / (width * height)


def connect(call, pad, part):
    """Requests a pad of the call and links a branch to it. The stream need not exist yet."""
    call.pipeline.add(part)
    part.sync_state_with_parent()
    output = call.element.request_pad_simple(pad)
    if not output:
        raise RuntimeError(f"there is no pad {pad}")
    link(output, part.get_static_pad("sink"))


def branch(description):
    """Creates a bin with one unlinked pad, from a description in the syntax of gst-launch-1.0."""
    return Gst.parse_bin_from_description(description, True)


parser = arguments("Watches the streams of a call come and go, and processes their frames.",
                   steps=False)
parser.add_argument("--seconds", type=float, help="leave after this time (stay until Ctrl-C)")
main(run, parser.parse_args())
