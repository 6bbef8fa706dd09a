#!/bin/sh
# Shares the real screen, under X (the one in DISPLAY).
#
# Corresponds to call.startScreenSharing(), the start of "Access the raw screen share stream from a
# screen, browser tab, or app".
#
# Environment: CALL, USER_NAME (the user to join as), SERVER;
# SECONDS_ (the duration; until Ctrl-C by default).
set -eu
: "${CALL:=demo}" "${USER_NAME:=presenter}" "${SERVER:=ws://127.0.0.1:7788}"

# With -e an interrupt sends EOS.
exec ${SECONDS_:+timeout --foreground --preserve-status --signal=INT "$SECONDS_"} \
  gst-launch-1.0 -e \
  ximagesrc use-damage=false ! video/x-raw,framerate=15/1 \
    ! queue max-size-buffers=1 leaky=downstream ! videoconvert ! out.screen \
  acscallsink name=out call="$CALL" user="$USER_NAME" server="$SERVER"
