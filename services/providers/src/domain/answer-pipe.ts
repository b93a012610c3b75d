import type { CallError, FinishReason, StreamEvent, Usage } from '@weir/call-model';
import type {
  Dialect,
  ObservedUsage,
  StreamDecoder,
  StreamEncoder,
  StreamPassthrough,
  TranslationContext,
  UsageObserver,
} from '@weir/dialects';

const NOTHING = new Uint8Array(0);

/** Bytes of the upstream in, bytes for the client out, and what the answer said on the way. Nothing here throws. */
export interface AnswerPipe {
  /** What the client gets for these bytes now; nothing more after `error`. */
  push(chunk: Uint8Array): Uint8Array;
  /** The upstream closed: what the client still gets. */
  end(): Uint8Array;
  readonly hasFirstToken: boolean;
  /** An error that the upstream reported inside its answer, or bytes that are none. */
  readonly error: CallError | null;
  result(): ObservedUsage;
}

/** A stream in the client's own dialect: forwarded frame by frame, observed alongside. */
export class PassthroughStreamPipe implements AnswerPipe {
  constructor(private readonly passthrough: StreamPassthrough) {}

  push(chunk: Uint8Array): Uint8Array {
    return this.passthrough.push(chunk);
  }

  end(): Uint8Array {
    return NOTHING;
  }

  get hasFirstToken(): boolean {
    return this.passthrough.hasFirstToken;
  }

  get error(): CallError | null {
    return this.passthrough.error;
  }

  result(): ObservedUsage {
    return this.passthrough.result();
  }
}

const TOKENS: ReadonlySet<StreamEvent['type']> = new Set([
  'text-delta',
  'reasoning-delta',
  'reasoning-end',
  'tool-call-start',
  'tool-call-delta',
]);

/** A stream between two dialects, through the neutral model. An error of the upstream is kept back: ingress renders it. */
export class TranslatedStreamPipe implements AnswerPipe {
  hasFirstToken = false;
  error: CallError | null = null;
  private usage: Usage | null = null;
  private usageMismatch: string | null = null;
  private finish: FinishReason | null = null;
  private id: string | null = null;
  private model: string | null = null;

  /** @param ownId stands for the answer's id where the upstream's format has none (Converse) */
  constructor(
    private readonly decoder: StreamDecoder,
    private readonly encoder: StreamEncoder,
    private readonly ownId: string,
  ) {}

  push(chunk: Uint8Array): Uint8Array {
    return this.encode(this.decoder.push(chunk));
  }

  end(): Uint8Array {
    const rest = this.encode(this.decoder.end());
    return this.error ? rest : join([rest, this.encoder.end()]);
  }

  result(): ObservedUsage {
    const { usage, usageMismatch, finish, error, id, model } = this;
    return { usage, usageMismatch, finish, error, isComplete: finish !== null && error === null, id, model };
  }

  private encode(events: readonly StreamEvent[]): Uint8Array {
    const parts: Uint8Array[] = [];
    for (const event of events) {
      if (this.error) break;
      this.note(event);
      if (event.type === 'error') continue;
      const isNameless = event.type === 'message-start' && event.id === '';
      parts.push(this.encoder.encode(isNameless ? { ...event, id: this.ownId } : event));
    }
    return join(parts);
  }

  private note(event: StreamEvent): void {
    if (TOKENS.has(event.type)) this.hasFirstToken = true;
    if (event.type === 'error') this.error = event.error;
    else if (event.type === 'finish') this.finish = event.reason;
    else if (event.type === 'message-start') {
      this.id = event.id;
      this.model = event.model;
    } else if (event.type === 'usage') {
      this.usage = event.usage;
      this.usageMismatch = event.mismatch ?? null;
    }
  }
}

/**
 * A whole answer in the client's own dialect. Up to `heldBytesMax` it is given at the end and in one piece; a larger one flows through as it
 * comes. Above `observedBytesMax` it is no longer read for its usage, so that memory stays bounded.
 */
export class PassthroughBodyPipe implements AnswerPipe {
  hasFirstToken = false;
  private held: Uint8Array[] = [];
  private bytes = 0;
  private isUnobserved = false;

  constructor(
    private observer: UsageObserver,
    private readonly heldBytesMax: number,
    private readonly observedBytesMax: number,
  ) {}

  push(chunk: Uint8Array): Uint8Array {
    this.hasFirstToken ||= chunk.byteLength > 0;
    this.bytes += chunk.byteLength;
    this.observe(chunk);
    this.held.push(chunk);
    return this.bytes > this.heldBytesMax ? this.release() : NOTHING;
  }

  end(): Uint8Array {
    return this.release();
  }

  get error(): CallError | null {
    return null;
  }

  result(): ObservedUsage {
    if (!this.isUnobserved) return this.observer.result();
    return { usage: null, usageMismatch: null, finish: null, error: null, isComplete: true, id: null, model: null };
  }

  private observe(chunk: Uint8Array): void {
    if (this.isUnobserved) return;
    this.isUnobserved = this.bytes > this.observedBytesMax;
    if (this.isUnobserved) this.observer = NO_OBSERVER;
    else this.observer.push(chunk);
  }

  private release(): Uint8Array {
    const released = join(this.held);
    this.held = [];
    return released;
  }
}

const NO_OBSERVER: UsageObserver = {
  push: () => {},
  hasFirstToken: true,
  error: null,
  result: () => ({
    usage: null,
    usageMismatch: null,
    finish: null,
    error: null,
    isComplete: true,
    id: null,
    model: null,
  }),
};

/** A whole answer between two dialects: read when it is complete. */
export class TranslatedBodyPipe implements AnswerPipe {
  hasFirstToken = false;
  error: CallError | null = null;
  private readonly parts: Uint8Array[] = [];
  private observed: ObservedUsage = {
    usage: null,
    usageMismatch: null,
    finish: null,
    error: null,
    isComplete: false,
    id: null,
    model: null,
  };

  constructor(
    private readonly upstream: Dialect,
    private readonly client: Dialect,
    private readonly context: TranslationContext,
    private readonly ownId: string,
  ) {}

  push(chunk: Uint8Array): Uint8Array {
    this.hasFirstToken ||= chunk.byteLength > 0;
    this.parts.push(chunk);
    return NOTHING;
  }

  end(): Uint8Array {
    const parsed = this.upstream.parseResponse(join(this.parts), this.context);
    if (!parsed.ok) {
      this.error = parsed.error;
      this.observed = { ...this.observed, error: parsed.error };
      return NOTHING;
    }
    const { id, model, finish, usage } = parsed.response;
    this.observed = {
      usage,
      usageMismatch: parsed.usageMismatch ?? null,
      finish,
      error: null,
      isComplete: true,
      id,
      model,
    };
    return this.client.writeResponse({ ...parsed.response, id: id === '' ? this.ownId : id }, this.context);
  }

  result(): ObservedUsage {
    return this.observed;
  }
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const filled = parts.filter((part) => part.byteLength > 0);
  const [first] = filled;
  if (!first) return NOTHING;
  return filled.length === 1 ? first : Buffer.concat(filled);
}
