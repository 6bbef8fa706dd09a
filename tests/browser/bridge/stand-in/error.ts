// What the stand-ins reject with.

import type { CommunicationServicesError } from '@azure/communication-calling';

/** As the errors of ACS are. */
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
