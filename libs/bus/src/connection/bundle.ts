/** Several messages of one turn that go the same way, as one message of the broker. */
export interface BundleEntry {
  /** Tells the receiver whose the payload is: a reply subject, or an inbox of its own. ASCII, at most 65,535 bytes. */
  readonly address: string;
  readonly payload: Uint8Array;
}

/** Nothing else on a bundled subject begins with it: a call's message begins with a length under 2^24, a frame with its type. */
const MARK = 0xff;
const ADDRESS_LENGTH_BYTES = 2;
const PAYLOAD_LENGTH_BYTES = 4;
const ENTRY_BYTES = ADDRESS_LENGTH_BYTES + PAYLOAD_LENGTH_BYTES;

export const isBundle = (bytes: Buffer): boolean => bytes[0] === MARK;

/** Layout: `0xff`, then for each entry `u16BE n · n bytes of address · u32BE m · m bytes of payload`. Copies the payloads once. */
export function encodeBundle(entries: readonly BundleEntry[]): Buffer {
  let bytes = 1;
  for (const { address, payload } of entries) bytes += ENTRY_BYTES + address.length + payload.length;
  const bundle = Buffer.allocUnsafe(bytes);
  bundle[0] = MARK;
  let at = 1;
  for (const { address, payload } of entries) {
    at = bundle.writeUInt16BE(address.length, at);
    at += bundle.write(address, at, 'latin1');
    at = bundle.writeUInt32BE(payload.length, at);
    bundle.set(payload, at);
    at += payload.length;
  }
  return bundle;
}

/**
 * Calls `onEntry` for each entry, in order; payloads are views. False where the bytes end within an entry: what stood before it was handed over.
 * The first exception of an entry is thrown when all have been handed over: the others are of other calls.
 */
export function readBundle(bundle: Buffer, onEntry: (address: string, payload: Buffer) => void): boolean {
  const faults: unknown[] = [];
  const isWhole = eachEntry(bundle, (address, payload) => {
    try {
      onEntry(address, payload);
    } catch (error) {
      faults.push(error);
    }
  });
  if (faults.length > 0) throw faults[0];
  return isWhole;
}

function eachEntry(bundle: Buffer, onEntry: (address: string, payload: Buffer) => void): boolean {
  let at = 1;
  while (at < bundle.length) {
    const addressAt = at + ADDRESS_LENGTH_BYTES;
    if (addressAt > bundle.length) return false;
    const payloadLengthAt = addressAt + bundle.readUInt16BE(at);
    const payloadAt = payloadLengthAt + PAYLOAD_LENGTH_BYTES;
    if (payloadAt > bundle.length) return false;
    const end = payloadAt + bundle.readUInt32BE(payloadLengthAt);
    if (end > bundle.length) return false;
    onEntry(bundle.toString('latin1', addressAt, payloadLengthAt), bundle.subarray(payloadAt, end));
    at = end;
  }
  return true;
}
