import { hash } from 'node:crypto';

/** SHA-256 of something, 32 bytes. */
export type Hash = Uint8Array;

export const HASH_BYTES = 32;

const LEAF_PREFIX = 0x00;
const NODE_PREFIX = 0x01;

/** Root of the tree without leaves: the hash of nothing (RFC 9162 §2.1.1). */
export const EMPTY_ROOT: Hash = hash('sha256', '', 'buffer');

/** One buffer for what is hashed: a new one for each leaf costs as much as its hash. Nothing awaits while it is in use. */
let scratch = Buffer.alloc(64 * 1024);
const nodeScratch = Buffer.alloc(1 + 2 * HASH_BYTES, NODE_PREFIX);

/** SHA-256(0x00 ‖ leaf), RFC 9162 §2.1.1. Text counts as its UTF-8 bytes. */
export function leafHash(leaf: string | Uint8Array): Hash {
  const most = 1 + (typeof leaf === 'string' ? leaf.length * 3 : leaf.length);
  if (scratch.length < most) scratch = Buffer.alloc(most * 2);
  scratch[0] = LEAF_PREFIX;
  let length = 1;
  if (typeof leaf === 'string') length += scratch.write(leaf, 1, 'utf8');
  else {
    scratch.set(leaf, 1);
    length += leaf.length;
  }
  return hash('sha256', scratch.subarray(0, length), 'buffer');
}

/** SHA-256(0x01 ‖ left ‖ right), RFC 9162 §2.1.1. */
export function nodeHash(left: Hash, right: Hash): Hash {
  nodeScratch.set(left, 1);
  nodeScratch.set(right, 1 + HASH_BYTES);
  return hash('sha256', nodeScratch, 'buffer');
}

/** Whether two hashes are equal. Not in constant time: hashes are public. */
export function isSameHash(first: Hash, second: Hash): boolean {
  return first.length === second.length && Buffer.compare(first, second) === 0;
}
