/** A message as it was received. `data` is a view of the bytes read from the socket: never overwritten, may be kept. */
export interface BusMessage {
  readonly subject: string;
  readonly replyTo: string;
  readonly data: Buffer;
  /** The broker's answer that nobody listens on the subject that was published with this reply subject. */
  readonly isNoResponders: boolean;
}

export interface BusSubscription {
  unsubscribe(): void;
}
