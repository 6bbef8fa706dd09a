#!/bin/sh
# Shares the real screen, under X (DISPLAY says which).
#
# Stands for call.startScreenSharing(), with which "Access the raw screen share stream from a
# screen, browser tab, or app" begins.
#
# Environment: CALL, USER_NAME (who to be), SERVER;
# SECONDS_ (how long; otherwise until Ctrl-C).
set -eu
: "${CALL:=demo}" "${USER_NAME:=presenter}" "${SERVER:=ws://127.0.0.1:7788}"

# An interrupt lets gst-launch-1.0 -e end every stream, and so the file, as it should.
exec ${SECONDS_:+timeout --foreground --preserve-status --signal=INT "$SECONDS_"} \
  gst-launch-1.0 -e \
  ximagesrc use-damage=false ! video/x-raw,framerate=15/1 \
    ! queue max-size-buffers=1 leaky=downstream ! videoconvert ! out.screen \
  acscallsink name=out call="$CALL" user="$USER_NAME" server="$SERVER"
