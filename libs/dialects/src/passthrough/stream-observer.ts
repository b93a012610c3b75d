import type { CallError } from '@weir/call-model';
import type { ObservedUsage, StreamPassthrough, UsageObserver } from '../dialect.js';

/** A passthrough whose output nobody wants. */
export class StreamObserver implements UsageObserver {
  constructor(private readonly passthrough: StreamPassthrough) {}

  push(bytes: Uint8Array): void {
    this.passthrough.push(bytes);
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
