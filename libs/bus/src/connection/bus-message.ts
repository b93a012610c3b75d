/** A message as it was received. `data` is a view of the bytes read from the socket: never overwritten, may be kept. */
export interface BusMessage {
  readonly subject: string;
  readonly replyTo: string;
  readonly data: Buffer;
  /** The broker's answer that nobody listens on the subject that was published with this reply subject. */
  readonly isNoResponders: boolean;
  /** Status of a message that the broker itself sent (100, 404, 408, 409, 503), else 0. */
  readonly statusCode: number;
  /** A header's value, or undefined. */
  header(name: string): string | undefined;
}

export interface BusSubscription {
  unsubscribe(): void;
}
