#!/bin/sh
# A participant's camera to a WebM file.
#
# Stands for "Access incoming video stream from a remote participant", with what becomes of the
# raw frames left to gst-launch-1.0: here they are encoded again. The file's size and colorimetry
# are fixed, since neither WebM nor VP8's encoder in it can change them in mid-file, and a camera
# may.
#
# Environment: CALL, USER_NAME (who to be), OTHER (whose), SERVER, OUT (the file);
# SECONDS_ (how long; otherwise until Ctrl-C).
set -eu
: "${CALL:=demo}" "${USER_NAME:=recorder}" "${OTHER:=sample}" \
  "${SERVER:=ws://127.0.0.1:7788}" "${OUT:=incoming.webm}"

# An interrupt lets gst-launch-1.0 -e end every stream, and so the file, as it should.
exec ${SECONDS_:+timeout --foreground --preserve-status --signal=INT "$SECONDS_"} \
  gst-launch-1.0 -e \
  acscallsrc name=c call="$CALL" user="$USER_NAME" server="$SERVER" \
    c.video_"$OTHER" ! queue ! videoconvert ! video/x-raw,format=I420,colorimetry=bt601 \
    ! videoscale add-borders=true ! videorate \
    ! video/x-raw,width=1280,height=720,framerate=30/1,pixel-aspect-ratio=1/1 \
    ! vp8enc deadline=1 cpu-used=8 threads=1 target-bitrate=3000000 keyframe-max-dist=60 \
    ! webmmux ! filesink location="$OUT"
