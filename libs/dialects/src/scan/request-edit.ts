import { decodeText } from '../framing/bytes.js';
import { objectOf } from '../translation/json.js';
import { applyEdits, insertFirst, type ByteEdit } from './byte-edit.js';
import { scanJsonObject, type ScannedField } from './json-scanner.js';

/**
 * Puts the upstream's name of the model in place of the client's, at every top-level `model` (a duplicate must not reach an upstream that reads the first
 * one), and leaves every other byte alone.
 *
 * @throws JsonSyntaxError for bytes that `scanRequest` would have refused
 */
export function rewriteModel(bytes: Uint8Array, upstreamModel: string): Uint8Array {
  const scanned = scanJsonObject(bytes);
  const text = JSON.stringify(upstreamModel);
  const edits = scanned.fields
    .filter((field) => field.key === 'model')
    .map((field) => ({ start: field.valueStart, end: field.valueEnd, text }));
  if (edits.length > 0) return applyEdits(bytes, edits);
  return applyEdits(bytes, [insertFirst(scanned, `"model":${text}`, scanned.fields.length > 0)]);
}

export interface PreparedPassthrough {
  readonly body: Uint8Array;
  /** The client did not ask for usage: keep the usage chunk from it (`createPassthrough(…, {hideUsageChunk})`). */
  readonly hideUsageChunk: boolean;
}

/**
 * Makes a Chat upstream state usage at the end of a stream, by the smallest edit of the body; a body that does not stream or asks
 * already is returned as it is. With `model` that is rewritten too, in the same pass.
 *
 * @throws JsonSyntaxError
 */
export function prepareOpenAiPassthrough(bytes: Uint8Array, model?: string): PreparedPassthrough {
  const scanned = scanJsonObject(bytes);
  const edits: ByteEdit[] = [];
  if (model !== undefined) {
    for (const field of scanned.fields) {
      if (field.key === 'model')
        edits.push({ start: field.valueStart, end: field.valueEnd, text: JSON.stringify(model) });
    }
  }
  const stream = findLastField(scanned.fields, 'stream');
  if (!stream || textOf(bytes, stream) !== 'true') return { body: applyEdits(bytes, edits), hideUsageChunk: false };
  const options = scanned.fields.filter((field) => field.key === 'stream_options');
  const last = options.at(-1);
  if (last?.kind === 'object' && objectOf(JSON.parse(textOf(bytes, last)))['include_usage'] === true) {
    return { body: applyEdits(bytes, edits), hideUsageChunk: false };
  }
  if (last) edits.push(...requestUsage(bytes, last));
  else edits.push(insertFirst(scanned, '"stream_options":{"include_usage":true}', true));
  return { body: applyEdits(bytes, edits), hideUsageChunk: true };
}

/** Edits inside the value of `stream_options`: its other fields stay as they are. */
function requestUsage(bytes: Uint8Array, field: ScannedField): ByteEdit[] {
  if (field.kind !== 'object')
    return [{ start: field.valueStart, end: field.valueEnd, text: '{"include_usage":true}' }];
  const inner = scanJsonObject(bytes.subarray(field.valueStart, field.valueEnd));
  const present = inner.fields.filter((item) => item.key === 'include_usage');
  if (present.length === 0) {
    const edit = insertFirst(inner, '"include_usage":true', inner.fields.length > 0);
    return [{ ...edit, start: edit.start + field.valueStart, end: edit.end + field.valueStart }];
  }
  return present.map((item) => ({
    start: item.valueStart + field.valueStart,
    end: item.valueEnd + field.valueStart,
    text: 'true',
  }));
}

/** Bedrock's name of the body format; the only version there is. */
export const BEDROCK_ANTHROPIC_VERSION = 'bedrock-2023-05-31';

/**
 * A Messages body as InvokeModel wants it: without `model` and `stream` (they are in the path), with `anthropic_version`, and with these
 * betas (InvokeModel has no header for them) where the body names none; otherwise untouched.
 *
 * @param betas those of the client's `anthropic-beta` header that the upstream knows
 * @throws JsonSyntaxError
 */
export function prepareInvokeBody(bytes: Uint8Array, betas: readonly string[] = []): Uint8Array {
  const scanned = scanJsonObject(bytes);
  const has = (key: string): boolean => scanned.fields.some((field) => field.key === key);
  const added: string[] = [];
  if (!has('anthropic_version')) added.push(`"anthropic_version":"${BEDROCK_ANTHROPIC_VERSION}"`);
  if (betas.length > 0 && !has('anthropic_beta')) added.push(`"anthropic_beta":${JSON.stringify(betas)}`);
  const kept = scanned.fields.filter((field) => !isPathField(field));
  const edits = removeFields(scanned.fields);
  if (added.length > 0) edits.push(insertFirst(scanned, added.join(','), kept.length > 0));
  return applyEdits(bytes, edits);
}

function isPathField(field: ScannedField): boolean {
  return field.key === 'model' || field.key === 'stream';
}

/** Each removed field goes with the comma before it; the first ones, which have none, with the comma after. */
function removeFields(fields: readonly ScannedField[]): ByteEdit[] {
  const edits: ByteEdit[] = [];
  let previousKept: ScannedField | undefined;
  fields.forEach((field, index) => {
    if (!isPathField(field)) {
      previousKept = field;
      return;
    }
    const previous = fields[index - 1];
    const next = fields[index + 1];
    if (previousKept && previous) edits.push({ start: previous.valueEnd, end: field.valueEnd, text: '' });
    else edits.push({ start: field.keyStart, end: next?.keyStart ?? field.valueEnd, text: '' });
  });
  return edits;
}

function findLastField(fields: readonly ScannedField[], key: string): ScannedField | undefined {
  return fields.findLast((field) => field.key === key);
}

function textOf(bytes: Uint8Array, field: ScannedField): string {
  return decodeText(bytes.subarray(field.valueStart, field.valueEnd));
}
