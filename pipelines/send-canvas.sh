#!/bin/sh
# Joins a call with a custom video: a canvas of 1500x845 at 30 frames per second, blue, with a
# red, a yellow and a green square, each with a moving ball.
#
# Corresponds to "Place a call with a custom video stream" (canvas.captureStream(30)) and to Agora's
# createCustomVideoTrack. The squares do not jump: gst-launch-1.0 cannot choose random positions.
#
# Environment: CALL, USER_NAME (the user to join as), SERVER;
# SECONDS_ (the duration; until Ctrl-C by default).
set -eu
: "${CALL:=demo}" "${USER_NAME:=canvas}" "${SERVER:=ws://127.0.0.1:7788}"

# With -e an interrupt sends EOS.
exec ${SECONDS_:+timeout --foreground --preserve-status --signal=INT "$SECONDS_"} \
  gst-launch-1.0 -e \
  acscallsink name=out call="$CALL" user="$USER_NAME" server="$SERVER" \
  compositor name=canvas \
      sink_1::xpos=200 sink_1::ypos=150 \
      sink_2::xpos=700 sink_2::ypos=370 \
      sink_3::xpos=1200 sink_3::ypos=590 \
    ! video/x-raw,format=I420,colorimetry=bt601,width=1500,height=845,framerate=30/1 ! out.video \
  videotestsrc is-live=true pattern=solid-color foreground-color=0xff0000ff \
    ! video/x-raw,format=I420,colorimetry=bt601,width=1500,height=845,framerate=30/1 \
    ! canvas.sink_0 \
  videotestsrc is-live=true pattern=ball background-color=0xffff0000 \
    ! video/x-raw,format=I420,width=100,height=100,framerate=30/1 \
    ! canvas.sink_1 \
  videotestsrc is-live=true pattern=ball background-color=0xffffff00 \
    ! video/x-raw,format=I420,width=100,height=100,framerate=30/1 \
    ! canvas.sink_2 \
  videotestsrc is-live=true pattern=ball background-color=0xff008000 \
    ! video/x-raw,format=I420,width=100,height=100,framerate=30/1 \
    ! canvas.sink_3
