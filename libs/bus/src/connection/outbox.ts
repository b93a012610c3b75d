import { encodeBundle, type BundleEntry } from './bundle.js';

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

/** A message that may travel with others of its turn. Alone it is sent as it is. */
export interface BundledMessage extends Outgoing {
  /** What stands for it in a bundle. */
  readonly address: string;
}

/** Where messages may travel together. */
export interface BundleRoute {
  readonly subject: string;
  /** Most messages in one bundle. */
  readonly messagesMax: number;
  /** Told what became one message; not of what travels alone. */
  readonly onBundle?: (messages: readonly BundledMessage[]) => void;
}

interface Bundle {
  readonly route: BundleRoute;
  readonly messages: BundledMessage[];
}

/** Half of the broker's default `max_payload`. */
const BUNDLE_BYTES_MAX = 512 * 1024;
/** Larger ones gain nothing from company: they would only be copied once more. */
const BUNDLED_BYTES_MAX = 64 * 1024;

/**
 * Joins everything that one turn of the event loop publishes into one socket write. The NATS client flushes at the end of the
 * microtask in which the first message was published, so it alone would write once per request; here all messages wait for the
 * check phase, which follows the polling of all sockets, and are handed to the client in one go. Small messages that go the same way become
 * one message: the broker's work is by the message.
 */
export class Outbox {
  private queue: Outgoing[] = [];
  private bundles = new Map<string, Bundle>();
  private beforeFlush: (() => void)[] = [];
  private scheduled = false;
  private forming = false;

  constructor(private readonly transport: OutboxTransport) {}

  add(subject: string, payload: Uint8Array, replyTo?: string): void {
    this.queue.push({ subject, payload, replyTo });
    this.schedule();
  }

  /** Sends the message together with others of this turn for the same route; their order is kept. */
  addBundled(route: BundleRoute, message: BundledMessage): void {
    const bundle = this.bundles.get(route.subject);
    if (bundle === undefined) this.bundles.set(route.subject, { route, messages: [message] });
    else bundle.messages.push(message);
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
    this.formBundles();
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

  private formBundles(): void {
    if (this.bundles.size === 0) return;
    const bundles = this.bundles;
    this.bundles = new Map();
    for (const { route, messages } of bundles.values()) {
      for (const group of cutBundle(messages, route.messagesMax)) this.queue.push(join(route, group));
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

/** A reply that the broker sends by itself, that nobody listens, goes to the first of a bundle. */
function join({ subject, onBundle }: BundleRoute, messages: readonly BundledMessage[]): Outgoing {
  const [first] = messages;
  if (first !== undefined && messages.length === 1) return first;
  onBundle?.(messages);
  return { subject, payload: encodeBundle(messages satisfies readonly BundleEntry[]), replyTo: first?.replyTo };
}

/** Groups in order; each at least one message, large ones alone. */
function* cutBundle(messages: readonly BundledMessage[], messagesMax: number): Generator<readonly BundledMessage[]> {
  let group: BundledMessage[] = [];
  let bytes = 0;
  for (const message of messages) {
    const isLarge = message.payload.length > BUNDLED_BYTES_MAX;
    const isFull = group.length >= messagesMax || bytes + message.payload.length > BUNDLE_BYTES_MAX;
    if (group.length > 0 && (isLarge || isFull)) {
      yield group;
      group = [];
      bytes = 0;
    }
    if (isLarge) {
      yield [message];
      continue;
    }
    group.push(message);
    bytes += message.payload.length;
  }
  if (group.length > 0) yield group;
}
