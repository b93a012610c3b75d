import type { CallError } from '@weir/call-model';
import type { ObservedUsage, ParsedResponse, UsageObserver } from '../dialect.js';
import { concatBytes } from '../framing/bytes.js';
import { Observation } from './observation.js';

/** Usage of an answer that is not streamed: kept whole (as views, not copies) and read once, at the end. */
export class BodyObserver implements UsageObserver {
  readonly #parts: Uint8Array[] = [];
  #seen: Observation | undefined;

  constructor(private readonly parse: (body: Uint8Array) => ParsedResponse) {}

  push(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#parts.push(bytes);
  }

  get hasFirstToken(): boolean {
    return this.#parts.length > 0;
  }

  get error(): CallError | null {
    return this.#seen?.error ?? null;
  }

  result(): ObservedUsage {
    this.#seen ??= observe(this.parse(concatBytes(this.#parts)));
    return this.#seen.result();
  }
}

function observe(parsed: ParsedResponse): Observation {
  const seen = new Observation();
  if (!parsed.ok) {
    seen.error = parsed.error;
    return seen;
  }
  const { response } = parsed;
  seen.usage = response.usage;
  seen.usageMismatch = parsed.usageMismatch ?? null;
  seen.finish = response.finish;
  seen.id = response.id;
  seen.model = response.model;
  seen.isComplete = true;
  return seen;
}
