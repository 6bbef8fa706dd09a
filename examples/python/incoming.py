#!/usr/bin/env python3
"""Takes every video and screen share as it comes, and measures it; hears everybody."""

from call import Call, arguments, link, main, say
from gi.repository import Gst


def run(options):
    watched = set()

    with Call("acscallsrc", options) as call:

        def tell(message):
            """Shows a message, and begins to watch a picture that has come."""
            told = message.get_structure()
            name = told.get_name() if told else None
            if name == "acscall-state":
                say(f"The call is {told.get_value('state')}")
            elif name == "acscall-participant":
                say(f"{told.get_value('participant')} is {told.get_value('state')}")
            elif name == "acscall-stream":
                pad, available = told.get_value("pad"), told.get_value("available")
                say(f"{pad} is {'on' if available else 'off'}")
                # The pad is kept when the stream is turned off: it goes on with the next one.
                if told.get_value("kind") != "audio" and available and pad not in watched:
                    watched.add(pad)
                    watch(call, pad)
            elif name == "level":
                say(f"Everybody: {max(told.get_value('rms')):.0f} dB")

        # Everybody, mixed. The pad gives sound, or silence, from the first moment.
        heard = branch("audioconvert ! level interval=1000000000 ! fakesink async=false")
        connect(call, "audio", heard)
        call.start()
        call.wait(options.seconds, tell)


def watch(call, pad):
    """Processes the frames that come out of a pad."""
    last = None

    def new_sample(frames):
        nonlocal last
        sample = frames.emit("pull-sample")
        if not sample:
            return Gst.FlowReturn.EOS
        size, luma = mean_luma(sample)
        # Every frame is measured; once a second, and when the size changes, it is told.
        now = size, sample.get_buffer().pts // Gst.SECOND
        if now != last:
            last = now
            say(f"{pad}: {size[0]}×{size[1]}, mean luma {luma:.0f}")
        return Gst.FlowReturn.OK

    # In this format the frame is its luma. The pad may give nothing for a while: with
    # async=false the pipeline does not wait for it.
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
    """A part of a pipeline that gst-launch-1.0 would understand, with one end open."""
    return Gst.parse_bin_from_description(description, True)


parser = arguments("Watches the streams of a call come and go, and processes their frames.",
                   steps=False)
parser.add_argument("--seconds", type=float, help="leaves after so long (stays until Ctrl-C)")
main(run, parser.parse_args())
