/** An event above this goes to the client in pieces: holding it back any longer would stop the call's credit. */
const HELD_BYTES_MAX = 64 * 1024;

const LF = 0x0a;
const CR = 0x0d;

/** Index behind the last blank line (LF LF or LF CR LF), or 0. */
function lastBoundary(bytes: Buffer): number {
  const plain = bytes.lastIndexOf('\n\n');
  const windows = bytes.lastIndexOf('\n\r\n');
  return Math.max(plain < 0 ? 0 : plain + 2, windows < 0 ? 0 : windows + 3);
}

function endsWithBoundary(bytes: Uint8Array): boolean {
  const last = bytes.length - 1;
  if (last < 1 || bytes[last] !== LF) return false;
  return bytes[last - 1] === LF || (bytes[last - 1] === CR && bytes[last - 2] === LF);
}

/**
 * Lets a server-sent event through only when it is whole, bytes unchanged. So a ping or an error can be put between two events at any
 * time, and a client whose answer breaks off reads a typed error and not half an event.
 */
export class EventBoundary {
  private held: Uint8Array[] = [];
  private heldSize = 0;
  private sentPart = false;
  /** The last two bytes seen: a blank line may arrive in two parts. */
  private readonly tail = Buffer.alloc(2);

  /** Bytes that have arrived and are held back. */
  get heldBytes(): number {
    return this.heldSize;
  }

  /** Whether what went to the client so far ends between two events. */
  get isBetweenEvents(): boolean {
    return !this.sentPart;
  }

  /** Takes ownership of `bytes`; returns what may go to the client now, in order. */
  push(bytes: Uint8Array): readonly Uint8Array[] {
    if (bytes.length === 0) return [];
    const end = endsWithBoundary(bytes) ? bytes.length : this.boundaryIn(bytes);
    this.remember(bytes);
    if (end === 0) return this.hold(bytes);
    this.sentPart = false;
    if (end === bytes.length && this.heldSize === 0) return [bytes];
    const released = [...this.held, bytes.subarray(0, end)];
    const rest = bytes.subarray(end);
    this.held = rest.length > 0 ? [rest] : [];
    this.heldSize = rest.length;
    return released;
  }

  /** What is held back, for an answer that has ended. */
  flush(): readonly Uint8Array[] {
    const released = this.held;
    this.discard();
    return released;
  }

  discard(): void {
    this.held = [];
    this.heldSize = 0;
  }

  private hold(bytes: Uint8Array): readonly Uint8Array[] {
    this.held.push(bytes);
    this.heldSize += bytes.length;
    if (this.heldSize <= HELD_BYTES_MAX) return [];
    this.sentPart = true;
    return this.flush();
  }

  /** Index in `bytes` behind the last event that ends there, or 0. */
  private boundaryIn(bytes: Uint8Array): number {
    const inside = lastBoundary(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    if (inside > 0) return inside;
    return Math.max(0, lastBoundary(Buffer.concat([this.tail, bytes.subarray(0, 2)])) - this.tail.length);
  }

  private remember(bytes: Uint8Array): void {
    this.tail[0] = bytes[bytes.length - 2] ?? this.tail[1] ?? 0;
    this.tail[1] = bytes[bytes.length - 1] ?? 0;
  }
}
