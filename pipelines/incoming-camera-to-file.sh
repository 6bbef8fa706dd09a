#!/bin/sh
# Records a participant's camera to a WebM file.
#
# Corresponds to "Access incoming video stream from a remote participant"; the raw frames are
# encoded again. The size of the file is fixed: a camera may change it, WebM and
# the VP8 encoder cannot within a file.
#
# Environment: CALL, USER_NAME (the user to join as), OTHER (the sender), SERVER, OUT (the file);
# SECONDS_ (the duration; until Ctrl-C by default).
set -eu
: "${CALL:=demo}" "${USER_NAME:=recorder}" "${OTHER:=sample}" \
  "${SERVER:=ws://127.0.0.1:7788}" "${OUT:=incoming.webm}"

# With -e an interrupt sends EOS, so that the file is finished.
exec ${SECONDS_:+timeout --foreground --preserve-status --signal=INT "$SECONDS_"} \
  gst-launch-1.0 -e \
  acscallsrc name=c call="$CALL" user="$USER_NAME" server="$SERVER" \
    c.video_"$OTHER" ! queue ! videoconvert ! video/x-raw,format=I420,colorimetry=bt601 \
    ! videoscale add-borders=true ! videorate \
    ! video/x-raw,width=1280,height=720,framerate=30/1,pixel-aspect-ratio=1/1 \
    ! vp8enc deadline=1 cpu-used=8 threads=1 target-bitrate=3000000 keyframe-max-dist=60 \
    ! webmmux ! filesink location="$OUT"
