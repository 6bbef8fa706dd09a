#!/bin/sh
# Shares a screen in black and white.
#
# Corresponds to "Access the raw screen share stream from a screen, browser tab, or app, and apply
# effects to the stream" (applyBlackAndWhiteEffect). bwfilter accepts all common formats.
#
# Environment: CALL, USER_NAME (the user to join as), SERVER, SOURCE (the elements to share, a test
# picture by default; for the real screen SOURCE='ximagesrc use-damage=false ! video/x-raw,framerate=15/1');
# SECONDS_ (the duration; until Ctrl-C by default).
set -eu
: "${CALL:=demo}" "${USER_NAME:=presenter}" "${SERVER:=ws://127.0.0.1:7788}"
: "${SOURCE:=videotestsrc is-live=true ! video/x-raw,width=1500,height=845,framerate=30/1}"

# SOURCE is split into words, but not expanded to file names.
set -f
# With -e an interrupt sends EOS.
exec ${SECONDS_:+timeout --foreground --preserve-status --signal=INT "$SECONDS_"} \
  gst-launch-1.0 -e \
  $SOURCE ! queue max-size-buffers=1 leaky=downstream ! bwfilter ! out.screen \
  acscallsink name=out call="$CALL" user="$USER_NAME" server="$SERVER"
