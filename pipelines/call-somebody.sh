#!/bin/sh
# Calls a user, with a 500 Hz tone in place of a microphone and a picture in place of a camera.
#
# Stands for "Place a call" (callAgent.startCall) with custom streams. It ends when the other hangs
# up, and with an error that says so when nobody waits for calls as that user, or the user is in
# another call, declines or does not answer.
#
# Environment: OTHER (whom to call), USER_NAME (who to be), SERVER;
# SECONDS_ (when to hang up; otherwise at Ctrl-C).
set -eu
: "${OTHER:=bob}" "${USER_NAME:=alice}" "${SERVER:=ws://127.0.0.1:7788}"

# An interrupt lets gst-launch-1.0 -e end every stream, as it should.
exec ${SECONDS_:+timeout --foreground --preserve-status --signal=INT "$SECONDS_"} \
  gst-launch-1.0 -e \
  acscallsink name=out callee="$OTHER" user="$USER_NAME" server="$SERVER" \
  audiotestsrc wave=sine freq=500 volume=0.5 is-live=true ! audio/x-raw,rate=48000 ! out.audio \
  videotestsrc is-live=true pattern=ball ! video/x-raw,width=640,height=360,framerate=30/1 \
    ! out.video
