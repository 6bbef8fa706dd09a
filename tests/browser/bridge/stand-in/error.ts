// The errors of the stand-ins.

import type { CommunicationServicesError } from '@azure/communication-calling';

/** In the form of ACS errors. */
export class StandInError extends Error implements CommunicationServicesError {
  override readonly name = 'CallingCommunicationError';

  constructor(
    readonly code: number,
    readonly subCode: number,
    message: string,
  ) {
    super(message);
  }
}
