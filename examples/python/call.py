"""What the examples share: a pipeline that takes part in a call, and what it sends.

The elements must be where GStreamer finds them, for example with

    cargo build && export GST_PLUGIN_PATH=$PWD/target/debug
"""

import argparse
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

Gst.init(None)

# How long a camera, a server or a stream may take, in seconds.
PATIENCE = 20
# Longer than the pause between two pictures, or a camera has been pulled out.
STALLED = 1


def arguments(description, steps=True):
    """The command line's parser with the options that all examples have."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--call", default="demo", help="the call to join (%(default)s)")
    parser.add_argument("--user", help="who to be in it (a name made up for this run)")
    parser.add_argument("--server", help="the signalling server (ws://127.0.0.1:7788)")
    if steps:
        parser.add_argument(
            "--seconds-per-step", type=float, default=5, metavar="SECONDS",
            help="how long each step takes (%(default)s)",
        )
    return parser


def source(description):
    """A source that gst-launch-1.0 would understand, as one element with one pad, "src"."""
    return Gst.parse_bin_from_description(description, True)


def say(line):
    """Prints in one piece, also where frames come on threads of their own."""
    sys.stdout.write(f"{line}\n")


def main(run, *args):
    """Runs an example. Its failure is shown and ends the program with code 1."""
    # A line appears when it is printed, also where somebody else reads it.
    sys.stdout.reconfigure(line_buffering=True)
    try:
        run(*args)
    except KeyboardInterrupt:
        print("Interrupted")
    except Exception as error:
        sys.exit(f"Error: {error}")


class Call:
    """A pipeline with acscallsink (to send) or acscallsrc (to receive) in it.

    Used in a `with` statement, at whose end the call is left.
    """

    def __init__(self, factory, options):
        self.options = options
        self.pipeline = Gst.Pipeline()
        self.element = Gst.ElementFactory.make(factory)
        if not self.element:
            raise RuntimeError(f"no element {factory}: is GST_PLUGIN_PATH set?")
        for name in ("call", "user", "server"):
            if getattr(options, name) is not None:
                self.element.set_property(name, getattr(options, name))
        if factory == "acscallsink":
            # Nobody misses the beginning: nothing is sent, and the pipeline is not in PLAYING,
            # before the first of the others receives.
            self.element.set_property("wait-for", 1)
        self.pipeline.add(self.element)

    def __enter__(self):
        return self

    def __exit__(self, *_failure):
        self.pipeline.set_state(Gst.State.NULL)

    def start(self):
        """Starts the pipeline, which joins the call. Does not wait for it."""
        if self.pipeline.set_state(Gst.State.PLAYING) == Gst.StateChangeReturn.FAILURE:
            # An error message says more than the failed state change.
            self.wait(0)
            raise RuntimeError("the pipeline does not start")

    def join(self):
        """Starts the pipeline, and waits until it is in the call and somebody receives what it
        sends."""

        def connected(message):
            told = message.get_structure()
            return (
                told
                and told.get_name() == "acscall-state"
                and told.get_value("state") == "connected"
            )

        self.start()
        if not self.wait(PATIENCE, connected):
            raise RuntimeError(f"still not in the call after {PATIENCE} s")
        print("In the call, waiting for somebody to send to")
        self.wait(until=lambda message: message.type == Gst.MessageType.ASYNC_DONE)

    def step(self, what):
        """Tells what is so from now on, and lets it be so for a while."""
        print(what)
        self.wait(self.options.seconds_per_step)

    def wait(self, seconds=None, until=lambda message: False):
        """Handles the bus for so long, or until `until` is true of a message: then it is True."""
        end = None if seconds is None else Gst.util_get_timestamp() + int(seconds * Gst.SECOND)
        while True:
            # In small pieces, so that Ctrl-C is noticed.
            left = Gst.SECOND // 5
            if end is not None:
                left = max(0, min(left, end - Gst.util_get_timestamp()))
            message = self.pipeline.get_bus().timed_pop(left)
            if not message:
                if end is not None and Gst.util_get_timestamp() >= end:
                    return False
                continue
            if message.type == Gst.MessageType.ERROR:
                raise RuntimeError(f"{message.src.get_name()}: {message.parse_error()[0].message}")
            if message.type == Gst.MessageType.WARNING:
                print(f"Warning: {message.parse_warning()[0].message}", file=sys.stderr)
            if message.type == Gst.MessageType.LATENCY:
                # A source that was put in may need more time than the others.
                self.pipeline.recalculate_latency()
            if until(message):
                return True

    def remove(self, element):
        """Stops an element and takes it out of the pipeline, with its links."""
        # The pipeline may be starting its elements at this moment, on another thread.
        element.set_locked_state(True)
        element.set_state(Gst.State.NULL)
        self.pipeline.remove(element)


class LocalStream:
    """What feeds one pad of acscallsink: a source, and maybe a filter behind it.

    The pad stays while the source changes, so that for the others it is one stream that shows
    something else from one frame to the next.
    """

    def __init__(self, call, kind, source):
        """Sends `source` as the call's `kind`: "audio", "video" or "screen"."""
        self.call, self.source, self.filter = call, source, None
        self.pad = call.element.request_pad_simple(kind)
        if not self.pad:
            raise RuntimeError(f"{kind} is being sent already")
        call.pipeline.add(source)
        link(source.get_static_pad("src"), self.pad)
        source.sync_state_with_parent()

    def switch(self, source):
        """Sends `source` in place of what was sent until now."""
        # The new source is held at its first buffer, and the old one goes on until then: the
        # others notice nothing of the time that a device needs to open.
        new = source.get_static_pad("src")
        pipeline = self.call.pipeline

        def first_buffer(_pad, _info):
            ready = Gst.Structure.new_empty("first-buffer")
            pipeline.post_message(Gst.Message.new_application(pipeline, ready))
            return Gst.PadProbeReturn.OK

        def is_ready(message):
            told = message.get_structure()
            return told and told.get_name() == "first-buffer"

        hold = new.add_probe(Gst.PadProbeType.BLOCK | Gst.PadProbeType.BUFFER, first_buffer)
        pipeline.add(source)
        source.sync_state_with_parent()
        if not self.call.wait(PATIENCE, is_ready):
            self.call.remove(source)
            raise RuntimeError(f"the new source gave nothing for {PATIENCE} s")

        # Blocked first: a source that pushes into nothing ends with an error.
        old = self.source.get_static_pad("src")
        block(old)
        following = old.get_peer()
        old.unlink(following)
        link(new, following)
        new.remove_probe(hold)
        # This is what turns the light of a camera off. No need to unblock it before.
        self.call.remove(self.source)
        self.source = source

    def set_filter(self, new):
        """Puts a filter behind the source, or with None takes out the one that is there."""
        # The source waits meanwhile, and no frame is lost.
        output = self.source.get_static_pad("src")
        blocked = block(output)
        output.unlink(output.get_peer())
        if self.filter:
            self.call.remove(self.filter)
        if new:
            self.call.pipeline.add(new)
            link(new.get_static_pad("src"), self.pad)
            # Before it is linked: the source may send its caps at any moment.
            new.sync_state_with_parent()
            link(output, new.get_static_pad("sink"))
        else:
            link(output, self.pad)
        self.filter = new
        output.remove_probe(blocked)

    def set_muted(self, muted):
        """Goes on without sending, or sends again. The source runs on."""
        self.pad.set_property("muted", muted)

    def stop(self):
        """Ends the stream. The call goes on."""
        block(self.source.get_static_pad("src"))
        self.call.remove(self.source)
        if self.filter:
            self.call.remove(self.filter)
        # For the others the stream is not available from here on.
        self.call.element.release_request_pad(self.pad)


def block(pad):
    """Stops the flow out of a pad between two buffers: the next one waits until the probe is
    removed, or the source stopped."""
    # Only buffers: a live source sends its caps with a lock held that stopping it needs.
    data = Gst.PadProbeType.BUFFER | Gst.PadProbeType.BUFFER_LIST
    blocked = threading.Event()

    def is_blocked(_pad, _info):
        blocked.set()
        return Gst.PadProbeReturn.OK

    probe = pad.add_probe(Gst.PadProbeType.BLOCK | data, is_blocked)
    # A source that gives nothing for so long is between two buffers, too.
    blocked.wait(STALLED)
    return probe


def link(output, input):
    """Links two pads, or says why not."""
    result = output.link(input)
    if result != Gst.PadLinkReturn.OK:
        names = output.get_parent_element().get_name(), input.get_parent_element().get_name()
        raise RuntimeError(f"{names[0]} does not fit {names[1]}: {result.value_nick}")
