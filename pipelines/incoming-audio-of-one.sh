#!/bin/sh
# Records one participant's audio to a WAV file.
#
# Corresponds to "Access an incoming raw audio stream", for a single participant. The pad can be
# requested before that user joins. audiorate fills the time in which nothing is sent, so that the
# file is as long as the call.
#
# Environment: CALL, USER_NAME (the user to join as), OTHER (the sender), SERVER, OUT (the file);
# SECONDS_ (the duration; until Ctrl-C by default).
set -eu
: "${CALL:=demo}" "${USER_NAME:=recorder}" "${OTHER:=sample}" \
  "${SERVER:=ws://127.0.0.1:7788}" "${OUT:=incoming.wav}"

# With -e an interrupt sends EOS, so that the file is finished.
exec ${SECONDS_:+timeout --foreground --preserve-status --signal=INT "$SECONDS_"} \
  gst-launch-1.0 -e \
  acscallsrc name=c call="$CALL" user="$USER_NAME" server="$SERVER" \
    c.audio_"$OTHER" ! audiorate ! audioconvert ! wavenc ! filesink location="$OUT"
