// The calling SDK's names of the kinds of its objects.

export const CallKind = Object.freeze({ Call: 'Call', TeamsCall: 'TeamsCall' });

export const CallAgentKind = Object.freeze({
  CallAgent: 'CallAgent',
  TeamsCallAgent: 'TeamsCallAgent',
});

export const IncomingCallKind = Object.freeze({
  IncomingCall: 'IncomingCall',
  TeamsIncomingCall: 'TeamsIncomingCall',
});
