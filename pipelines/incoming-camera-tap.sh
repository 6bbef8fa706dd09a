#!/bin/sh
# Shows a participant's camera in a window, records it, and saves a picture every second.
#
# Corresponds to "Access incoming video stream from a remote participant" with several uses of the
# raw frames. rawtap separates them: the window continues whatever happens to the files, even if
# writing blocks.
#
# Environment: CALL, USER_NAME (the user to join as), OTHER (the sender), SERVER, OUT (the
# recording), PICTURES (the pictures, with %d for the number);
# SECONDS_ (the duration; until Ctrl-C by default).
set -eu
: "${CALL:=demo}" "${USER_NAME:=viewer}" "${OTHER:=sample}" "${SERVER:=ws://127.0.0.1:7788}" \
  "${OUT:=incoming.webm}" "${PICTURES:=incoming-%03d.png}"

# With -e an interrupt sends EOS, so that the files are finished.
exec ${SECONDS_:+timeout --foreground --preserve-status --signal=INT "$SECONDS_"} \
  gst-launch-1.0 -e \
  acscallsrc name=c call="$CALL" user="$USER_NAME" server="$SERVER" \
    c.video_"$OTHER" ! rawtap name=tap tap_0::max-rate=15 tap_1::max-rate=1 \
    ! queue ! videoconvert ! ximagesink \
  tap.tap_0 ! videoconvert ! videoscale add-borders=true \
    ! video/x-raw,format=I420,colorimetry=bt601,width=640,height=360,pixel-aspect-ratio=1/1 \
    ! vp8enc deadline=1 cpu-used=8 threads=1 target-bitrate=1000000 keyframe-max-dist=60 \
    ! webmmux ! filesink location="$OUT" sync=false async=false \
  tap.tap_1 ! videoconvert ! pngenc \
    ! multifilesink location="$PICTURES" sync=false async=false
