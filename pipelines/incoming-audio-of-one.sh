#!/bin/sh
# One participant's audio to a WAV file.
#
# Stands for "Access an incoming raw audio stream", of one of the participants alone. The pad may
# be asked for before that user is there. audiorate fills the time in which nothing is sent, so
# that the file is as long as the call.
#
# Environment: CALL, USER_NAME (who to be), OTHER (whose), SERVER, OUT (the file);
# SECONDS_ (how long; otherwise until Ctrl-C).
set -eu
: "${CALL:=demo}" "${USER_NAME:=recorder}" "${OTHER:=sample}" \
  "${SERVER:=ws://127.0.0.1:7788}" "${OUT:=incoming.wav}"

# An interrupt lets gst-launch-1.0 -e end every stream, and so the file, as it should.
exec ${SECONDS_:+timeout --foreground --preserve-status --signal=INT "$SECONDS_"} \
  gst-launch-1.0 -e \
  acscallsrc name=c call="$CALL" user="$USER_NAME" server="$SERVER" \
    c.audio_"$OTHER" ! audiorate ! audioconvert ! wavenc ! filesink location="$OUT"
