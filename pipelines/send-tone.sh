#!/bin/sh
# Joins a call with a 500 Hz tone in place of a microphone.
#
# Stands for "Place a call with a custom audio stream" (the oscillator of 500 Hz).
#
# Environment: CALL, USER_NAME (who to be), SERVER;
# SECONDS_ (how long; otherwise until Ctrl-C).
set -eu
: "${CALL:=demo}" "${USER_NAME:=tone}" "${SERVER:=ws://127.0.0.1:7788}"

# An interrupt lets gst-launch-1.0 -e end every stream, and so the file, as it should.
exec ${SECONDS_:+timeout --foreground --preserve-status --signal=INT "$SECONDS_"} \
  gst-launch-1.0 -e \
  audiotestsrc wave=sine freq=500 volume=0.5 is-live=true ! audio/x-raw,rate=48000 \
    ! acscallsink call="$CALL" user="$USER_NAME" server="$SERVER"
