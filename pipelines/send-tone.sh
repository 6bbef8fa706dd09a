#!/bin/sh
# Joins a call with a 500 Hz tone instead of a microphone.
#
# Corresponds to "Place a call with a custom audio stream" (the 500 Hz oscillator).
#
# Environment: CALL, USER_NAME (the user to join as), SERVER;
# SECONDS_ (the duration; until Ctrl-C by default).
set -eu
: "${CALL:=demo}" "${USER_NAME:=tone}" "${SERVER:=ws://127.0.0.1:7788}"

# With -e an interrupt sends EOS.
exec ${SECONDS_:+timeout --foreground --preserve-status --signal=INT "$SECONDS_"} \
  gst-launch-1.0 -e \
  audiotestsrc wave=sine freq=500 volume=0.5 is-live=true ! audio/x-raw,rate=48000 \
    ! acscallsink call="$CALL" user="$USER_NAME" server="$SERVER"
