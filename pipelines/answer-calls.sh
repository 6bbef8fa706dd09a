#!/bin/sh
# Waits for a call, answers it, says a 440 Hz tone, and records what the caller says to a WAV file.
#
# Stands for "Receive an incoming call" (callAgent.on('incomingCall'), incomingCall.accept()). It
# ends when the caller hangs up: an element is in one call. The two elements are one participant.
#
# Environment: USER_NAME (who is called), SERVER, OUT (the file);
# SECONDS_ (how long; otherwise until Ctrl-C or the end of the call).
set -eu
: "${USER_NAME:=bob}" "${SERVER:=ws://127.0.0.1:7788}" "${OUT:=message.wav}"

# An interrupt lets gst-launch-1.0 -e end every stream, and so the file, as it should.
exec ${SECONDS_:+timeout --foreground --preserve-status --signal=INT "$SECONDS_"} \
  gst-launch-1.0 -e \
  acscallsrc name=c auto-accept=true user="$USER_NAME" server="$SERVER" \
    c.audio_%s ! audiorate ! audioconvert ! wavenc ! filesink location="$OUT" async=false \
  audiotestsrc wave=sine freq=440 volume=0.5 is-live=true ! audio/x-raw,rate=48000 \
    ! acscallsink auto-accept=true user="$USER_NAME" server="$SERVER"
