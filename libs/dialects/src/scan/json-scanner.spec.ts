import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeText, encodeText } from '../framing/bytes.js';
import { JSON_DEPTH_MAX, JsonSyntaxError, scanJsonObject } from './json-scanner.js';

function isAccepted(text: string): boolean {
  try {
    scanJsonObject(encodeText(text));
    return true;
  } catch (error) {
    if (error instanceof JsonSyntaxError) return false;
    throw error;
  }
}

function isObjectForJsonParse(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

describe('scanJsonObject', () => {
  it('finds every field of any object, with the bytes of its value', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(undefined, 2, '\t'), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const bytes = encodeText(text);
        const { fields } = scanJsonObject(bytes);
        const found = fields.map((field) => [
          field.key,
          JSON.parse(decodeText(bytes.subarray(field.valueStart, field.valueEnd))) as unknown,
        ]);
        expect(found).toEqual(Object.entries(JSON.parse(text) as object));
      }),
    );
  });

  it('accepts exactly what JSON.parse accepts, also for damaged text', () => {
    const damage = fc.record({
      at: fc.nat(),
      remove: fc.nat(3),
      insert: fc.constantFrom('', ',', '"', '}', ']', '{', '\\', '0', '-', 'e', ' ', '\n', 'tru', ':'),
    });
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), damage, (value, { at, remove, insert }) => {
        const text = JSON.stringify(value);
        const index = at % (text.length + 1);
        const damaged = text.slice(0, index) + insert + text.slice(index + remove);
        expect({ damaged, isAccepted: isAccepted(damaged) }).toEqual({
          damaged,
          isAccepted: isObjectForJsonParse(damaged),
        });
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['{"a":01}', false],
    ['{"a":1.}', false],
    ['{"a":-}', false],
    ['{"a":+1}', false],
    ['{"a":1e5}', true],
    ['{"a":"\\u12G4"}', false],
    ['{"a":"\\x"}', false],
    ['{"a":"\n"}', false],
    ['{"a":tru}', false],
    ['{"a":nullx}', false],
    ['{"a":1}}', false],
    ['{"a":[1,]}', false],
    ['{"a":[1 2]}', false],
    ['{"a":{"b":1,}}', false],
    ['{,}', false],
    ['[]', false],
    ['', false],
    ['  {}  ', true],
    ['{"a":[[],{},[{}]]}', true],
  ])('decides %s as JSON does: %s', (text, expected) => {
    expect(isAccepted(text)).toBe(expected);
    expect(isObjectForJsonParse(text)).toBe(expected);
  });

  it('counts members of the outermost container only and names the first that is not an object', () => {
    const { fields } = scanJsonObject(encodeText('{"messages":[{"a":[1,2,{"b":[]}]},{},"x",3]}'));
    expect(fields[0]).toMatchObject({ kind: 'array', memberCount: 4, strayMember: { index: 2, kind: 'string' } });
  });

  it('refuses nesting that serves no request, without using the stack', () => {
    const nested = (depth: number): string => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    expect(isAccepted(nested(JSON_DEPTH_MAX - 1))).toBe(true);
    expect(isAccepted(nested(JSON_DEPTH_MAX))).toBe(false);
    expect(isAccepted(nested(1_000_000))).toBe(false);
  });

  it('knows a key written with escapes for what it is', () => {
    const { fields } = scanJsonObject(encodeText('{"mod\\u0065l":"x"}'));
    expect(fields.map((field) => field.key)).toEqual(['model']);
  });
});
