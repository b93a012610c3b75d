import { concatBytes, encodeText } from '../framing/bytes.js';
import type { ScannedObject } from './json-scanner.js';

/** Replaces bytes [start, end) by text; start = end inserts. */
export interface ByteEdit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The bytes with these edits made and every other byte as it was. Edits must not overlap. */
export function applyEdits(bytes: Uint8Array, edits: readonly ByteEdit[]): Uint8Array {
  if (edits.length === 0) return bytes;
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const edit of [...edits].sort((a, b) => a.start - b.start || a.end - b.end)) {
    parts.push(bytes.subarray(offset, edit.start), encodeText(edit.text));
    offset = edit.end;
  }
  parts.push(bytes.subarray(offset));
  return concatBytes(parts);
}

/** Puts fields in front of the others of an object. `fields` is JSON text without braces. */
export function insertFirst(scanned: ScannedObject, fields: string, hasOtherFields: boolean): ByteEdit {
  const at = scanned.start + 1;
  return { start: at, end: at, text: hasOtherFields ? `${fields},` : fields };
}
