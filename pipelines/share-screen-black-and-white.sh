#!/bin/sh
# Shares a screen in black and white.
#
# Stands for "Access the raw screen share stream from a screen, browser tab, or app, and apply
# effects to the stream" (applyBlackAndWhiteEffect). bwfilter takes any common format as it comes.
#
# Environment: CALL, USER_NAME (who to be), SERVER, SOURCE (what to share, a test picture
# otherwise; the real screen with SOURCE='ximagesrc use-damage=false ! video/x-raw,framerate=15/1');
# SECONDS_ (how long; otherwise until Ctrl-C).
set -eu
: "${CALL:=demo}" "${USER_NAME:=presenter}" "${SERVER:=ws://127.0.0.1:7788}"
: "${SOURCE:=videotestsrc is-live=true ! video/x-raw,width=1500,height=845,framerate=30/1}"

# SOURCE is words of a pipeline, not names of files.
set -f
# An interrupt lets gst-launch-1.0 -e end every stream, and so the file, as it should.
exec ${SECONDS_:+timeout --foreground --preserve-status --signal=INT "$SECONDS_"} \
  gst-launch-1.0 -e \
  $SOURCE ! queue max-size-buffers=1 leaky=downstream ! bwfilter ! out.screen \
  acscallsink name=out call="$CALL" user="$USER_NAME" server="$SERVER"
