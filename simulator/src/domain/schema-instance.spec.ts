import { describe, expect, it } from '@jest/globals';
import { instanceOfSchema } from './schema-instance.js';

const seed = '0123456789abcdef';

describe('instanceOfSchema', () => {
  it('is the same for the same seed', () => {
    const schema = { type: 'object', properties: { a: { type: 'string' }, b: { type: 'integer' } } };
    expect(instanceOfSchema(schema, seed)).toEqual(instanceOfSchema(schema, seed));
  });

  it('fills every property with a value of its type and bounds', () => {
    const schema = {
      type: 'object',
      properties: {
        text: { type: 'string', minLength: 20, maxLength: 22 },
        short: { type: 'string', maxLength: 2 },
        mail: { type: 'string', format: 'email' },
        count: { type: 'integer', minimum: 5, maximum: 5 },
        ratio: { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 },
        step: { type: 'integer', minimum: 1, multipleOf: 7 },
        flag: { type: 'boolean' },
        list: { type: 'array', items: { type: 'integer' }, minItems: 3 },
        pair: { type: 'array', prefixItems: [{ const: 'a' }, { const: 'b' }] },
        kind: { enum: ['x', 'y'] },
        maybe: { type: ['string', 'null'] },
        either: { anyOf: [{ const: 1 }, { type: 'null' }] },
        nothing: { type: 'null' },
      },
    };
    const value = instanceOfSchema(schema, seed) as Record<string, unknown>;
    expect(value).toMatchObject({
      text: expect.stringMatching(/^.{20,22}$/),
      short: expect.stringMatching(/^.{2}$/),
      mail: 'person@example.com',
      count: 5,
      ratio: 0.5,
      flag: expect.any(Boolean),
      list: [expect.any(Number), expect.any(Number), expect.any(Number)],
      pair: ['a', 'b'],
      kind: expect.stringMatching(/^[xy]$/),
      maybe: expect.any(String),
      either: 1,
      nothing: null,
    });
    expect(Number(value['step']) % 7).toBe(0);
  });

  it('follows references and ends recursive schemas', () => {
    const schema = {
      $ref: '#/$defs/node',
      $defs: {
        node: {
          type: 'object',
          properties: {
            name: { $ref: '#/$defs/name' },
            next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] },
            children: { type: 'array', items: { $ref: '#/$defs/node' } },
          },
          required: ['name', 'next', 'children'],
        },
        name: { const: 'n' },
      },
    };
    const value = instanceOfSchema(schema, seed);
    expect(value).toMatchObject({ name: 'n', next: { name: 'n' }, children: [{ name: 'n' }] });
    expect(JSON.stringify(value)).toContain('"next":null');
  });

  it('merges allOf', () => {
    const schema = {
      allOf: [
        { type: 'object', properties: { a: { const: 1 } }, required: ['a'] },
        { type: 'object', properties: { b: { const: 2 } }, required: ['b'] },
      ],
    };
    expect(instanceOfSchema(schema, seed)).toEqual({ a: 1, b: 2 });
  });
});
