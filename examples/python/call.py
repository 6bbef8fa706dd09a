"""Code shared by the examples: a pipeline that takes part in a call, and the streams that it sends.

GStreamer must find the elements, for example with

    cargo build && export GST_PLUGIN_PATH=$PWD/target/debug
"""

import argparse
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

Gst.init(None)

# The timeout for a camera, a server or a stream, in seconds.
PATIENCE = 20
# A source without a buffer for this time has stalled, such as an unplugged camera. In seconds.
STALLED = 1


def arguments(description, steps=True):
    """Returns a command line parser with the options of all examples."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--call", default="demo", help="the call to join (%(default)s)")
    parser.add_argument("--user", help="the user to join as (a generated name)")
    parser.add_argument("--server", help="the signalling server (ws://127.0.0.1:7788)")
    if steps:
        parser.add_argument(
            "--seconds-per-step", type=float, default=5, metavar="SECONDS",
            help="the duration of each step (%(default)s)",
        )
    return parser


def source(description):
    """Creates a source bin with a pad "src" from a description in gst-launch-1.0's syntax."""
    return Gst.parse_bin_from_description(description, True)


def say(line):
    """Prints a whole line, also when called from several streaming threads."""
    sys.stdout.write(f"{line}\n")


def main(run, *args):
    """Runs an example. On failure it prints the error and exits with code 1."""
    # Print each line at once, even into a pipe.
    sys.stdout.reconfigure(line_buffering=True)
    try:
        run(*args)
    except KeyboardInterrupt:
        print("Interrupted")
    except Exception as error:
        sys.exit(f"Error: {error}")


class Call:
    """A pipeline with acscallsink (to send) or acscallsrc (to receive) in it.

    A context manager: leaving the `with` statement leaves the call.
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
            # Wait for the first receiver: until then nothing is sent and the pipeline does not
            # reach PLAYING, so nobody misses the beginning.
            self.element.set_property("wait-for", 1)
        self.pipeline.add(self.element)

    def __enter__(self):
        return self

    def __exit__(self, *_failure):
        self.pipeline.set_state(Gst.State.NULL)

    def start(self):
        """Starts the pipeline, which joins the call, without waiting."""
        if self.pipeline.set_state(Gst.State.PLAYING) == Gst.StateChangeReturn.FAILURE:
            # The error message is more precise than the failed state change.
            self.wait(0)
            raise RuntimeError("the pipeline does not start")

    def join(self):
        """Starts the pipeline and waits until it is in the call and has a receiver."""

        def connected(message):
            structure = message.get_structure()
            return (
                structure
                and structure.get_name() == "acscall-state"
                and structure.get_value("state") == "connected"
            )

        self.start()
        if not self.wait(PATIENCE, connected):
            raise RuntimeError(f"still not in the call after {PATIENCE} s")
        print("In the call, waiting for a receiver")
        self.wait(until=lambda message: message.type == Gst.MessageType.ASYNC_DONE)

    def step(self, what):
        """Prints the current state, `what`, and waits for one step."""
        print(what)
        self.wait(self.options.seconds_per_step)

    def wait(self, seconds=None, until=lambda message: False):
        """Handles messages for `seconds`, or until `until` returns True; returns whether it did."""
        end = None if seconds is None else Gst.util_get_timestamp() + int(seconds * Gst.SECOND)
        while True:
            # Wait in short intervals to handle Ctrl-C.
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
                # A new source may have a higher latency than the others.
                self.pipeline.recalculate_latency()
            if until(message):
                return True

    def remove(self, element):
        """Stops an element and removes it and its links from the pipeline."""
        # The pipeline may be changing the state of its elements on another thread.
        element.set_locked_state(True)
        element.set_state(Gst.State.NULL)
        self.pipeline.remove(element)


class LocalStream:
    """The source of one pad of acscallsink, with an optional filter behind it.

    The pad stays when the source changes. The receivers see one stream whose picture changes from
    one frame to the next.
    """

    def __init__(self, call, kind, source):
        """Sends `source` as the call's `kind`: "audio", "video" or "screen"."""
        self.call, self.source, self.filter = call, source, None
        self.pad = call.element.request_pad_simple(kind)
        if not self.pad:
            raise RuntimeError(f"{kind} is already being sent")
        call.pipeline.add(source)
        link(source.get_static_pad("src"), self.pad)
        source.sync_state_with_parent()

    def switch(self, source):
        """Sends `source` instead of the current source."""
        # Hold the new source at its first buffer. The old one continues until then, so the time
        # that a device needs to open causes no gap.
        new = source.get_static_pad("src")
        pipeline = self.call.pipeline

        def first_buffer(_pad, _info):
            ready = Gst.Structure.new_empty("first-buffer")
            pipeline.post_message(Gst.Message.new_application(pipeline, ready))
            return Gst.PadProbeReturn.OK

        def is_ready(message):
            structure = message.get_structure()
            return structure and structure.get_name() == "first-buffer"

        hold = new.add_probe(Gst.PadProbeType.BLOCK | Gst.PadProbeType.BUFFER, first_buffer)
        pipeline.add(source)
        source.sync_state_with_parent()
        if not self.call.wait(PATIENCE, is_ready):
            self.call.remove(source)
            raise RuntimeError(f"the new source produced no buffer for {PATIENCE} s")

        # Block it first: a source that pushes to an unlinked pad fails.
        old = self.source.get_static_pad("src")
        block(old)
        following = old.get_peer()
        old.unlink(following)
        link(new, following)
        new.remove_probe(hold)
        # This also turns off the camera's light. A blocked source can be stopped.
        self.call.remove(self.source)
        self.source = source

    def set_filter(self, new):
        """Inserts a filter behind the source, in place of the last one; None only removes that."""
        # The source waits meanwhile, so no frame is lost.
        output = self.source.get_static_pad("src")
        blocked = block(output)
        output.unlink(output.get_peer())
        if self.filter:
            self.call.remove(self.filter)
        if new:
            self.call.pipeline.add(new)
            link(new.get_static_pad("src"), self.pad)
            # Before linking: the source may send its caps at any time.
            new.sync_state_with_parent()
            link(output, new.get_static_pad("sink"))
        else:
            link(output, self.pad)
        self.filter = new
        output.remove_probe(blocked)

    def set_muted(self, muted):
        """Mutes or unmutes the stream. The source keeps running."""
        self.pad.set_property("muted", muted)

    def stop(self):
        """Ends the stream. The call continues."""
        block(self.source.get_static_pad("src"))
        self.call.remove(self.source)
        if self.filter:
            self.call.remove(self.filter)
        # Now the stream is not available to the others.
        self.call.element.release_request_pad(self.pad)


def block(pad):
    """Blocks a pad between two buffers, until the probe is removed or the source is stopped."""
    # Only buffers: a live source holds a lock while it sends its caps, and stopping it needs that
    # lock.
    data = Gst.PadProbeType.BUFFER | Gst.PadProbeType.BUFFER_LIST
    blocked = threading.Event()

    def is_blocked(_pad, _info):
        blocked.set()
        return Gst.PadProbeReturn.OK

    probe = pad.add_probe(Gst.PadProbeType.BLOCK | data, is_blocked)
    # A stalled source is between two buffers, too.
    blocked.wait(STALLED)
    return probe


def link(output, input):
    """Links two pads."""
    result = output.link(input)
    if result != Gst.PadLinkReturn.OK:
        names = output.get_parent_element().get_name(), input.get_parent_element().get_name()
        raise RuntimeError(f"{names[0]} cannot be linked to {names[1]}: {result.value_nick}")
