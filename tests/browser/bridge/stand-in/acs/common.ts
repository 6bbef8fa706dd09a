// Is @azure/communication-common as it is.

export * from '@azure/communication-common';
