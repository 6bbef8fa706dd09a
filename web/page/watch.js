// Subscribes to everything that changes how a call looks.

const OF_CALL = [
  'stateChanged',
  'idChanged',
  'isMutedChanged',
  'isScreenSharingOnChanged',
  'isLocalVideoStartedChanged',
  'localVideoStreamsUpdated',
  'localAudioStreamsUpdated',
  'connectionChanged',
];
const OF_PARTICIPANT = [
  'stateChanged',
  'displayNameChanged',
  'isMutedChanged',
  'isSpeakingChanged',
  'videoStreamsUpdated',
];
const OF_STREAM = ['isAvailableChanged', 'isReceivingChanged'];

/** Calls `changed` whenever the call, its participants or their streams change. */
export function watch(call, changed) {
  const stream = (stream) => {
    for (const event of OF_STREAM) stream.on(event, changed);
  };
  const participant = (participant) => {
    for (const event of OF_PARTICIPANT) participant.on(event, changed);
    participant.videoStreams.forEach(stream);
    participant.on('videoStreamsUpdated', ({ added }) => added.forEach(stream));
  };
  for (const event of OF_CALL) call.on(event, changed);
  call.remoteParticipants.forEach(participant);
  call.on('remoteParticipantsUpdated', ({ added }) => {
    added.forEach(participant);
    changed();
  });
}
