export interface RequestFaultDetails {
  /** The field at fault, in the notation of the provider's own messages, e.g. `messages.0.content`. */
  readonly param?: string;
  /** A provider's machine-readable code where it has one, e.g. `model_not_found`. */
  readonly code?: string;
  readonly retryAfterSeconds?: number;
}

/** A request the simulated provider refuses. The wire format decides how it looks. */
export class RequestFault extends Error {
  readonly status: number;
  readonly details: RequestFaultDetails;

  constructor(status: number, message: string, details: RequestFaultDetails = {}) {
    super(message);
    this.name = 'RequestFault';
    this.status = status;
    this.details = details;
  }
}
