/** What the outbox needs of the NATS client. */
export interface OutboxTransport {
  publish(subject: string, payload: Uint8Array, replyTo: string | undefined): void;
  report(error: Error): void;
}

interface Outgoing {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly replyTo: string | undefined;
}

/**
 * Joins everything that one turn of the event loop publishes into one socket write. The NATS client flushes at the end of the
 * microtask in which the first message was published, so it alone would write once per request; here all messages wait for the
 * check phase, which follows the polling of all sockets, and are handed to the client in one go.
 */
export class Outbox {
  private queue: Outgoing[] = [];
  private beforeFlush: (() => void)[] = [];
  private scheduled = false;
  private forming = false;

  constructor(private readonly transport: OutboxTransport) {}

  add(subject: string, payload: Uint8Array, replyTo?: string): void {
    this.queue.push({ subject, payload, replyTo });
    this.schedule();
  }

  /** Runs `form` at the next flush, before the queue is written: for frames that are formed from what the turn collected. */
  defer(form: () => void): void {
    this.beforeFlush.push(form);
    this.schedule();
  }

  /** Hands everything to the client now. Called by those who already run in the check phase. */
  flush(): void {
    this.formDeferred();
    const queue = this.queue;
    if (queue.length === 0) return;
    this.queue = [];
    for (const message of queue) {
      try {
        this.transport.publish(message.subject, message.payload, message.replyTo);
      } catch (error) {
        this.transport.report(error instanceof Error ? error : new Error(String(error)));
      }
    }
  }

  private formDeferred(): void {
    const forms = this.beforeFlush;
    if (forms.length === 0) return;
    this.beforeFlush = [];
    this.forming = true;
    try {
      for (const form of forms) form();
    } finally {
      this.forming = false;
    }
  }

  private schedule(): void {
    // What is added while forming leaves with this very flush.
    if (this.scheduled || this.forming) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.flush();
    });
  }
}
