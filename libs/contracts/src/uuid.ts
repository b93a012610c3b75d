import { randomFillSync } from 'node:crypto';

const POOL_BYTES = 4_096;
const RANDOM_BYTES = 10;

const pool = Buffer.allocUnsafe(POOL_BYTES);
let poolOffset = POOL_BYTES;
let lastMs = 0;
/** `lastMs` as the first two groups of an id. */
let timeGroups = '';
let counter = 0;

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function nextRandom(): number {
  if (poolOffset + RANDOM_BYTES > POOL_BYTES) {
    randomFillSync(pool);
    poolOffset = 0;
  }
  const at = poolOffset;
  poolOffset += RANDOM_BYTES;
  return at;
}

function setTime(ms: number): void {
  const time = ms.toString(16).padStart(12, '0');
  lastMs = ms;
  timeGroups = `${time.slice(0, 8)}-${time.slice(8)}`;
  counter = 0;
}

/**
 * A UUID of version 7 (RFC 9562 §5.7): 48 bits of milliseconds since the epoch, then a 12-bit counter that keeps ids of one process and
 * millisecond in order (method 1 of §6.2), then 62 random bits from the system's generator.
 */
export function uuidv7(nowMs: number = Date.now()): string {
  if (nowMs > lastMs) setTime(nowMs);
  else if (++counter > 0xfff) setTime(lastMs + 1);
  const at = nextRandom();
  const hex = (offset: number): string => HEX[pool[at + offset] ?? 0] ?? '00';
  const variant = HEX[((pool[at] ?? 0) & 0x3f) | 0x80] ?? '80';
  const tail = hex(1) + '-' + hex(2) + hex(3) + hex(4) + hex(5) + hex(6) + hex(7);
  return `${timeGroups}-7${counter.toString(16).padStart(3, '0')}-${variant}${tail}`;
}
