#!/bin/sh
# Waits for a call, answers it, sends a 440 Hz tone, and records the caller's audio to a WAV file.
#
# Corresponds to "Receive an incoming call" (callAgent.on('incomingCall'), incomingCall.accept()).
# It ends when the caller hangs up, since an element takes part in one call. The two elements are
# one participant.
#
# Environment: USER_NAME (the callee), SERVER, OUT (the file);
# SECONDS_ (the duration; until Ctrl-C or the end of the call by default).
set -eu
: "${USER_NAME:=bob}" "${SERVER:=ws://127.0.0.1:7788}" "${OUT:=message.wav}"

# With -e an interrupt sends EOS, so that the file is finished.
exec ${SECONDS_:+timeout --foreground --preserve-status --signal=INT "$SECONDS_"} \
  gst-launch-1.0 -e \
  acscallsrc name=c auto-accept=true user="$USER_NAME" server="$SERVER" \
    c.audio_%s ! audiorate ! audioconvert ! wavenc ! filesink location="$OUT" async=false \
  audiotestsrc wave=sine freq=440 volume=0.5 is-live=true ! audio/x-raw,rate=48000 \
    ! acscallsink auto-accept=true user="$USER_NAME" server="$SERVER"
