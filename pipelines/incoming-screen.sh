#!/bin/sh
# Shows the screen that a participant shares in a window.
#
# Corresponds to "Access incoming screen share stream from a remote participant". With sync=false
# the window shows each picture at once, since screens may send few.
#
# Environment: CALL, USER_NAME (the user to join as), OTHER (the sender), SERVER;
# SECONDS_ (the duration; until Ctrl-C by default).
set -eu
: "${CALL:=demo}" "${USER_NAME:=viewer}" "${OTHER:=sample}" "${SERVER:=ws://127.0.0.1:7788}"

# With -e an interrupt sends EOS.
exec ${SECONDS_:+timeout --foreground --preserve-status --signal=INT "$SECONDS_"} \
  gst-launch-1.0 -e \
  acscallsrc name=c call="$CALL" user="$USER_NAME" server="$SERVER" \
    c.screen_"$OTHER" ! queue ! videoconvert ! ximagesink sync=false
