#!/bin/sh
# Everybody's audio, mixed, to a WAV file.
#
# Stands for "Access an incoming raw audio stream" (call.remoteAudioStreams[0].getMediaStream()).
# The mix is continuous from the first moment, whether somebody speaks or is there, or not.
#
# Environment: CALL, USER_NAME (who to be), SERVER, OUT (the file);
# SECONDS_ (how long; otherwise until Ctrl-C).
set -eu
: "${CALL:=demo}" "${USER_NAME:=recorder}" "${SERVER:=ws://127.0.0.1:7788}" "${OUT:=incoming.wav}"

# An interrupt lets gst-launch-1.0 -e end every stream, and so the file, as it should.
exec ${SECONDS_:+timeout --foreground --preserve-status --signal=INT "$SECONDS_"} \
  gst-launch-1.0 -e \
  acscallsrc name=c call="$CALL" user="$USER_NAME" server="$SERVER" \
    c.audio ! wavenc ! filesink location="$OUT"
