// @azure/communication-common itself.

export * from '@azure/communication-common';
