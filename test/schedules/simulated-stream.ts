/** One message of a stream. */
export interface StoredBatch {
  readonly position: number;
  readonly payload: Buffer;
  readonly messageId: string | undefined;
}

/** A reader's request for messages, until it is over. */
export interface PullRequest {
  readonly inbox: string;
  readonly expiresAt: number;
  left: number;
}

/** A durable consumer: what it has delivered and who waits. */
export class SimulatedConsumer {
  /** Position of the last message delivered for the first time. */
  delivered = 0;
  readonly requests: PullRequest[] = [];
  readonly pending = new Map<number, { readonly dueAt: number; readonly deliveries: number }>();
  readonly acknowledged = new Set<number>();

  constructor(readonly ackWaitMs: number) {}

  /** The next message to deliver: one that is overdue, or else a new one. */
  next(stream: SimulatedStream, now: number): { readonly batch: StoredBatch; readonly deliveries: number } | undefined {
    for (const [position, { dueAt, deliveries }] of this.pending) {
      if (dueAt > now) continue;
      const batch = stream.find(position);
      if (batch) return this.deliver(batch, deliveries + 1, now);
      this.pending.delete(position);
    }
    const batch = stream.find(this.delivered + 1);
    if (!batch) return undefined;
    this.delivered = batch.position;
    return this.deliver(batch, 1, now);
  }

  private deliver(batch: StoredBatch, deliveries: number, now: number): { batch: StoredBatch; deliveries: number } {
    this.pending.delete(batch.position);
    this.pending.set(batch.position, { dueAt: now + this.ackWaitMs, deliveries });
    return { batch, deliveries };
  }
}

const DUPLICATE_WINDOW_MS = 120_000;

/** A stream of events as JetStream keeps it: positions from 1, message ids for two minutes, its consumers. */
export class SimulatedStream {
  readonly consumers = new Map<string, SimulatedConsumer>();
  private batches: StoredBatch[] = [];
  private ids = new Map<string, { readonly position: number; readonly at: number }>();

  constructor(
    /** ISO 8601. */
    readonly created: string,
  ) {}

  get last(): number {
    return this.batches.length;
  }

  find(position: number): StoredBatch | undefined {
    return this.batches[position - 1];
  }

  /** Stores a message, or tells where it stands already. */
  store(payload: Buffer, messageId: string | undefined, now: number): { position: number; isDuplicate: boolean } {
    const known = messageId === undefined ? undefined : this.ids.get(messageId);
    if (known && now - known.at < DUPLICATE_WINDOW_MS) return { position: known.position, isDuplicate: true };
    const position = this.batches.push({ position: this.last + 1, payload, messageId });
    if (messageId !== undefined) this.ids.set(messageId, { position, at: now });
    return { position, isDuplicate: false };
  }

  /** Its last messages are gone, though they were acknowledged: what a machine's crash leaves. */
  loseTail(count: number): void {
    this.batches = this.batches.slice(0, Math.max(0, this.last - count));
    for (const [id, { position }] of this.ids) if (position > this.last) this.ids.delete(id);
    for (const consumer of this.consumers.values()) {
      consumer.delivered = Math.min(consumer.delivered, this.last);
      for (const position of [...consumer.pending.keys()]) if (position > this.last) consumer.pending.delete(position);
      for (const position of [...consumer.acknowledged])
        if (position > this.last) consumer.acknowledged.delete(position);
    }
  }

  /** Every id is forgotten, as after the window. */
  forgetIds(): void {
    this.ids = new Map();
  }

  /** Delivers everything of the last messages again, acknowledged or not. */
  redeliver(count: number): void {
    for (const consumer of this.consumers.values()) {
      for (let position = Math.max(1, consumer.delivered - count + 1); position <= consumer.delivered; position++)
        consumer.pending.set(position, { dueAt: 0, deliveries: 1 });
    }
  }
}
