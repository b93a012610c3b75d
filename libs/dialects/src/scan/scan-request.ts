import type { WireDialect } from '../dialect.js';
import { decodeText, isValidUtf8 } from '../framing/bytes.js';
import { JsonSyntaxError, scanJsonObject, type JsonKind } from './json-scanner.js';

export type ScanFaultCode = 'malformed_json' | 'invalid_utf8' | 'invalid_request' | 'threads_not_held';

export interface ScanFault {
  readonly code: ScanFaultCode;
  readonly param: string | null;
  readonly message: string;
}

/** What admission needs to know of a request, whatever its dialect. */
export interface ScannedRequest {
  readonly ok: true;
  /** Null on Bedrock's routes, where the path names it. */
  readonly model: string | null;
  readonly stream: boolean;
  /** Null where the client set no bound. */
  readonly maxOutputTokens: number | null;
  /** Answers asked for; 1 where the dialect has no such field. */
  readonly n: number;
  readonly messagesCount: number;
}

export type RequestScan = ScannedRequest | { readonly ok: false; readonly fault: ScanFault };

interface FieldShape {
  readonly kind: JsonKind;
  readonly memberCount: number;
  readonly strayMember: { readonly index: number; readonly kind: JsonKind } | undefined;
  /** The value of a scalar; containers are not built. */
  readonly value: unknown;
}

type Fields = ReadonlyMap<string, FieldShape>;

class ScanFaultError extends Error {
  constructor(readonly fault: ScanFault) {
    super(fault.message);
  }
}

/**
 * Reads the few fields admission needs and refuses what no upstream could take: malformed JSON, invalid UTF-8, wrong types, no messages, no
 * model. Never throws. Nothing is built but those fields, so a megabyte of prompt costs one pass over its bytes. The whole request is only read, by `parseRequest`, where it has to be translated.
 */
export function scanRequest(dialect: WireDialect, bytes: Uint8Array): RequestScan {
  try {
    return readRequest(dialect, scanFields(bytes));
  } catch (error) {
    if (error instanceof ScanFaultError) return { ok: false, fault: error.fault };
    if (error instanceof JsonSyntaxError) {
      return {
        ok: false,
        fault: {
          code: 'malformed_json',
          param: null,
          message: `The request body is not valid JSON: ${error.message}.`,
        },
      };
    }
    throw error;
  }
}

function requireUtf8(bytes: Uint8Array): void {
  if (isValidUtf8(bytes)) return;
  throw new ScanFaultError({ code: 'invalid_utf8', param: null, message: 'The request body is not valid UTF-8.' });
}

function scanFields(bytes: Uint8Array): Fields {
  requireUtf8(bytes);
  const fields = new Map<string, FieldShape>();
  for (const field of scanJsonObject(bytes).fields) {
    const isScalar = field.kind !== 'object' && field.kind !== 'array';
    // A long string at top level is nobody's model name.
    const isShort = field.valueEnd - field.valueStart <= 4096;
    const value: unknown =
      isScalar && isShort ? JSON.parse(decodeText(bytes.subarray(field.valueStart, field.valueEnd))) : undefined;
    fields.set(field.key, { kind: field.kind, memberCount: field.memberCount, strayMember: field.strayMember, value });
  }
  return fields;
}

const MAX_TOKENS_FIELDS: Readonly<Record<WireDialect, readonly string[]>> = {
  'openai-chat': ['max_completion_tokens', 'max_tokens'],
  anthropic: ['max_tokens'],
  'bedrock-converse': [],
  'bedrock-invoke': ['max_tokens'],
};

function readRequest(dialect: WireDialect, fields: Fields): ScannedRequest {
  if (dialect === 'anthropic') refuseThread(fields);
  const isInPath = dialect === 'bedrock-converse' || dialect === 'bedrock-invoke';
  const bounds = MAX_TOKENS_FIELDS[dialect].map((name) => readCount(fields, name));
  const maxOutputTokens = bounds.find((bound) => bound !== null) ?? null;
  const request: ScannedRequest = {
    ok: true,
    model: isInPath ? null : readModel(fields),
    stream: isInPath ? false : readBoolean(fields, 'stream'),
    maxOutputTokens,
    n: dialect === 'openai-chat' ? (readCount(fields, 'n') ?? 1) : 1,
    messagesCount: readMessages(dialect, fields),
  };
  if (maxOutputTokens === null && (dialect === 'anthropic' || dialect === 'bedrock-invoke')) {
    refuse('max_tokens', 'max_tokens: this field is required');
  }
  return request;
}

/**
 * A thread is a conversation that the provider holds under an id, for whoever shares the credential. Behind a gateway those are all its callers, and
 * the next turn may be routed elsewhere; an upstream that does not know the field would answer without the history. The official clients
 * send the whole conversation when they are told so.
 */
function refuseThread(fields: Fields): void {
  const field = fields.get('thread');
  if (!field || field.kind === 'null') return;
  throw new ScanFaultError({
    code: 'threads_not_held',
    param: 'thread',
    message: 'Message threads are not held here; send the full conversation without "thread".',
  });
}

function readModel(fields: Fields): string {
  const field = fields.get('model');
  if (!field || field.kind === 'null') refuse('model', 'model: this field is required');
  if (typeof field.value !== 'string') refuse('model', 'model: must be a string');
  if (field.value === '') refuse('model', 'model: must not be empty');
  return field.value;
}

function readBoolean(fields: Fields, name: string): boolean {
  const field = fields.get(name);
  if (!field || field.kind === 'null') return false;
  if (typeof field.value !== 'boolean') refuse(name, `${name}: must be true or false`);
  return field.value;
}

function readCount(fields: Fields, name: string): number | null {
  const field = fields.get(name);
  if (!field || field.kind === 'null') return null;
  const { value } = field;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1)
    refuse(name, `${name}: must be a positive integer`);
  return value;
}

function readMessages(dialect: WireDialect, fields: Fields): number {
  const field = fields.get('messages');
  if (!field || field.kind === 'null') {
    const isResponses = dialect === 'openai-chat' && fields.has('input');
    refuse(
      'messages',
      `messages: this field is required${isResponses ? ' ("input" belongs to the Responses API)' : ''}`,
    );
  }
  if (field.kind !== 'array') refuse('messages', 'messages: must be an array');
  if (field.memberCount === 0) refuse('messages', 'messages: must not be empty');
  if (field.strayMember)
    refuse(`messages[${field.strayMember.index}]`, `messages[${field.strayMember.index}]: must be an object`);
  return field.memberCount;
}

function refuse(param: string | null, message: string): never {
  throw new ScanFaultError({ code: 'invalid_request', param, message });
}
