#!/bin/sh
# The screen that a participant shares, in a window, in black and white.
#
# Stands for "Access incoming screen share stream from a remote participant" with the effect of
# applyBlackAndWhiteEffect on what comes in.
#
# Environment: CALL, USER_NAME (who to be), OTHER (whose), SERVER;
# SECONDS_ (how long; otherwise until Ctrl-C).
set -eu
: "${CALL:=demo}" "${USER_NAME:=viewer}" "${OTHER:=sample}" "${SERVER:=ws://127.0.0.1:7788}"

# An interrupt lets gst-launch-1.0 -e end every stream, and so the file, as it should.
exec ${SECONDS_:+timeout --foreground --preserve-status --signal=INT "$SECONDS_"} \
  gst-launch-1.0 -e \
  acscallsrc name=c call="$CALL" user="$USER_NAME" server="$SERVER" \
    c.screen_"$OTHER" ! queue ! bwfilter ! videoconvert ! ximagesink sync=false
