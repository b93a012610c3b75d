import { decodeText } from '../framing/bytes.js';

/*
 * A forward scanner over JSON text (RFC 8259): checks well-formedness and finds the fields of the outermost object without building
 * values. A prompt of a megabyte is one string to it.
 */

/** Deeper nesting is refused: it serves no request and costs parsers their stack. */
export const JSON_DEPTH_MAX = 256;

/** The text is not JSON, or nested too deeply. `offset` is the byte where that shows. */
export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError';

  constructor(
    message: string,
    readonly offset: number,
  ) {
    super(`${message} at byte ${offset}`);
  }
}

export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null';

/** A field of the outermost object; all positions are byte offsets, ends exclusive. */
export interface ScannedField {
  readonly key: string;
  readonly keyStart: number;
  readonly valueStart: number;
  readonly valueEnd: number;
  readonly kind: JsonKind;
  /** Members of an array or object. */
  readonly memberCount: number;
  /** Kind of the first member that is not an object, in an array. */
  readonly strayMember: { readonly index: number; readonly kind: JsonKind } | undefined;
}

export interface ScannedObject {
  /** Offset of `{`. */
  readonly start: number;
  /** In order of appearance; a key may occur several times, and the last one counts. */
  readonly fields: readonly ScannedField[];
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;
const BRACKET_OPEN = 0x5b;
const BRACKET_CLOSE = 0x5d;

/** What a string byte is: 0 plain, 1 quote, 2 backslash, 3 control character (not allowed). */
const STRING_CLASS = new Uint8Array(256);
STRING_CLASS.fill(3, 0, 0x20);
STRING_CLASS[QUOTE] = 1;
STRING_CLASS[BACKSLASH] = 2;

const NUMBER = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$/;
const LITERALS: Readonly<Record<number, readonly [text: string, kind: JsonKind]>> = {
  0x74: ['true', 'boolean'],
  0x66: ['false', 'boolean'],
  0x6e: ['null', 'null'],
};

/** Scans a JSON object. @throws JsonSyntaxError; also where the outermost value is no object */
export function scanJsonObject(bytes: Uint8Array): ScannedObject {
  return new JsonScanner(bytes).scan();
}

class JsonScanner {
  #at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  scan(): ScannedObject {
    this.#skipSpaces();
    const start = this.#at;
    if (this.bytes[start] !== BRACE_OPEN) this.#fail('expected an object');
    this.#at += 1;
    const fields: ScannedField[] = [];
    this.#skipSpaces();
    if (this.bytes[this.#at] === BRACE_CLOSE) this.#at += 1;
    else this.#scanFields(fields);
    this.#skipSpaces();
    if (this.#at < this.bytes.length) this.#fail('unexpected data after the object');
    return { start, fields };
  }

  #scanFields(fields: ScannedField[]): void {
    for (;;) {
      const keyStart = this.#at;
      this.#scanString();
      const key = this.#textOf(keyStart, this.#at);
      this.#expectColon();
      fields.push({ key, keyStart, ...this.#scanFieldValue() });
      this.#skipSpaces();
      const byte = this.bytes[this.#at];
      this.#at += 1;
      if (byte === BRACE_CLOSE) return;
      if (byte !== COMMA) this.#fail('expected "," or "}"', this.#at - 1);
      this.#skipSpaces();
    }
  }

  #textOf(start: number, end: number): string {
    const raw = this.bytes.subarray(start, end);
    return raw.includes(BACKSLASH) ? (JSON.parse(decodeText(raw)) as string) : decodeText(raw.subarray(1, -1));
  }

  #expectColon(): void {
    this.#skipSpaces();
    if (this.bytes[this.#at] !== COLON) this.#fail('expected ":"');
    this.#at += 1;
    this.#skipSpaces();
  }

  #scanFieldValue(): Omit<ScannedField, 'key' | 'keyStart'> {
    const valueStart = this.#at;
    const byte = this.bytes[valueStart];
    if (byte !== BRACE_OPEN && byte !== BRACKET_OPEN) {
      const kind = this.#scanScalar();
      return { valueStart, valueEnd: this.#at, kind, memberCount: 0, strayMember: undefined };
    }
    const members = this.#scanContainer();
    return { valueStart, valueEnd: this.#at, kind: byte === BRACE_OPEN ? 'object' : 'array', ...members };
  }

  /** Walks a container of any depth with an explicit stack, counting the members of the outermost one. */
  #scanContainer(): Pick<ScannedField, 'memberCount' | 'strayMember'> {
    const stack: number[] = [];
    let memberCount = 0;
    let strayMember: ScannedField['strayMember'];
    for (;;) {
      const byte = this.bytes[this.#at];
      if (stack.length === 1) {
        if (byte !== BRACE_OPEN && stack[0] === BRACKET_OPEN) {
          strayMember ??= { index: memberCount, kind: kindOfFirstByte(byte) };
        }
        memberCount += 1;
      }
      if ((byte === BRACE_OPEN || byte === BRACKET_OPEN) && this.#openContainer(byte, stack)) continue;
      if (byte !== BRACE_OPEN && byte !== BRACKET_OPEN) this.#scanScalar();
      if (!this.#scanSeparators(stack)) return { memberCount, strayMember };
    }
  }

  /** Goes into a container, to its first value. False for an empty one, which is passed over. */
  #openContainer(opening: number, stack: number[]): boolean {
    if (stack.length >= JSON_DEPTH_MAX - 1) this.#fail('nested too deeply');
    this.#at += 1;
    this.#skipSpaces();
    // In ASCII the closing bracket is two after the opening one.
    if (this.bytes[this.#at] === opening + 2) {
      this.#at += 1;
      return false;
    }
    stack.push(opening);
    if (opening === BRACE_OPEN) this.#scanKey();
    return true;
  }

  /** After a value: closes what ends here, stands at the next value. False when the outermost container has closed. */
  #scanSeparators(stack: number[]): boolean {
    for (;;) {
      const open = stack.at(-1);
      if (open === undefined) return false;
      this.#skipSpaces();
      const byte = this.bytes[this.#at];
      if (byte === COMMA) {
        this.#at += 1;
        this.#skipSpaces();
        if (open === BRACE_OPEN) this.#scanKey();
        return true;
      }
      if (byte !== open + 2) this.#fail(open === BRACE_OPEN ? 'expected "," or "}"' : 'expected "," or "]"');
      this.#at += 1;
      stack.pop();
    }
  }

  #scanKey(): void {
    this.#scanString();
    this.#expectColon();
  }

  #scanScalar(): JsonKind {
    const start = this.#at;
    const first = this.bytes[start];
    if (first === QUOTE) {
      this.#scanString();
      return 'string';
    }
    const literal = first === undefined ? undefined : LITERALS[first];
    if (literal) {
      const [text, kind] = literal;
      this.#at += text.length;
      if (decodeText(this.bytes.subarray(start, this.#at)) !== text) this.#fail('unexpected token', start);
      return kind;
    }
    while (isNumberByte(this.bytes[this.#at])) this.#at += 1;
    if (!NUMBER.test(decodeText(this.bytes.subarray(start, this.#at)))) this.#fail('unexpected token', start);
    return 'number';
  }

  #scanString(): void {
    const { bytes } = this;
    let at = this.#at;
    if (bytes[at] !== QUOTE) this.#fail('expected a string');
    at += 1;
    for (;;) {
      const byte = bytes[at];
      if (byte === undefined) this.#fail('unterminated string', at);
      const kind = STRING_CLASS[byte];
      if (kind === 0) at += 1;
      else if (kind === 1) break;
      else if (kind === 2) at += this.#escapeLength(at);
      else this.#fail('control character in a string', at);
    }
    this.#at = at + 1;
  }

  #escapeLength(at: number): number {
    const byte = this.bytes[at + 1];
    if (byte === 0x75) {
      const digits = decodeText(this.bytes.subarray(at + 2, at + 6));
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) this.#fail('bad unicode escape', at);
      return 6;
    }
    if (byte === undefined || !'"\\/bfnrt'.includes(String.fromCharCode(byte))) this.#fail('bad escape', at);
    return 2;
  }

  #skipSpaces(): void {
    for (;;) {
      const byte = this.bytes[this.#at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      this.#at += 1;
    }
  }

  #fail(message: string, offset: number = this.#at): never {
    throw new JsonSyntaxError(message, offset);
  }
}

function isNumberByte(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  return (
    (byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === 0x2b || byte === 0x2e || byte === 0x45 || byte === 0x65
  );
}

function kindOfFirstByte(byte: number | undefined): JsonKind {
  if (byte === QUOTE) return 'string';
  if (byte === BRACKET_OPEN || byte === BRACKET_CLOSE) return 'array';
  return byte === undefined ? 'null' : (LITERALS[byte]?.[1] ?? 'number');
}
