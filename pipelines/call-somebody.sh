#!/bin/sh
# Calls a user, with a 500 Hz tone instead of a microphone and a test picture instead of a camera.
#
# Corresponds to "Place a call" (callAgent.startCall) with custom streams. It ends when the callee
# hangs up. It ends with an error if the callee accepts no calls, is in another call, declines or
# does not answer.
#
# Environment: OTHER (the callee), USER_NAME (the user to join as), SERVER;
# SECONDS_ (the time until it hangs up; at Ctrl-C by default).
set -eu
: "${OTHER:=bob}" "${USER_NAME:=alice}" "${SERVER:=ws://127.0.0.1:7788}"

# With -e an interrupt sends EOS.
exec ${SECONDS_:+timeout --foreground --preserve-status --signal=INT "$SECONDS_"} \
  gst-launch-1.0 -e \
  acscallsink name=out callee="$OTHER" user="$USER_NAME" server="$SERVER" \
  audiotestsrc wave=sine freq=500 volume=0.5 is-live=true ! audio/x-raw,rate=48000 ! out.audio \
  videotestsrc is-live=true pattern=ball ! video/x-raw,width=640,height=360,framerate=30/1 \
    ! out.video
