#!/bin/sh
# Records the mixed audio of all participants to a WAV file.
#
# Corresponds to "Access an incoming raw audio stream"
# (call.remoteAudioStreams[0].getMediaStream()). The mix is continuous from the start, whether or
# not anybody speaks or is present.
#
# Environment: CALL, USER_NAME (the user to join as), SERVER, OUT (the file);
# SECONDS_ (the duration; until Ctrl-C by default).
set -eu
: "${CALL:=demo}" "${USER_NAME:=recorder}" "${SERVER:=ws://127.0.0.1:7788}" "${OUT:=incoming.wav}"

# With -e an interrupt sends EOS, so that the file is finished.
exec ${SECONDS_:+timeout --foreground --preserve-status --signal=INT "$SECONDS_"} \
  gst-launch-1.0 -e \
  acscallsrc name=c call="$CALL" user="$USER_NAME" server="$SERVER" \
    c.audio ! wavenc ! filesink location="$OUT"
