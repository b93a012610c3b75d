import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeText, encodeText } from '../framing/bytes.js';
import { prepareInvokeBody, prepareOpenAiPassthrough, rewriteModel } from './request-edit.js';

/** Objects as a client might write them: our fields among others, in any order, with any spacing. */
const requestText = fc
  .tuple(
    fc.dictionary(fc.string(), fc.jsonValue()),
    fc.record({ model: fc.string(), stream: fc.boolean(), anthropic_version: fc.string() }, { requiredKeys: [] }),
    fc.constantFrom(undefined, 1, '\t'),
    fc.boolean(),
  )
  .map(([others, known, indent, isKnownFirst]) =>
    JSON.stringify(isKnownFirst ? { ...known, ...others } : { ...others, ...known }, null, indent),
  );

function parse(bytes: Uint8Array): Record<string, unknown> {
  return JSON.parse(decodeText(bytes)) as Record<string, unknown>;
}

describe('rewriteModel', () => {
  it('changes the model and no other value', () => {
    fc.assert(
      fc.property(requestText, fc.string(), (text, model) => {
        expect(parse(rewriteModel(encodeText(text), model))).toEqual({ ...(JSON.parse(text) as object), model });
      }),
    );
  });

  it('touches no other byte', () => {
    const text = '{ "messages" : [{"model":"inner"}],\t"model"  :  "a" ,"x":1.0e+2, "y":"\\u00e9" }';
    expect(decodeText(rewriteModel(encodeText(text), 'up"stream'))).toBe(
      '{ "messages" : [{"model":"inner"}],\t"model"  :  "up\\"stream" ,"x":1.0e+2, "y":"\\u00e9" }',
    );
  });

  it('leaves no duplicate of the model for an upstream that reads the first one', () => {
    expect(decodeText(rewriteModel(encodeText('{"model":"a","mod\\u0065l":"b"}'), 'c'))).toBe(
      '{"model":"c","mod\\u0065l":"c"}',
    );
  });
});

describe('prepareInvokeBody', () => {
  it('takes model and stream out, puts anthropic_version in, and keeps every other value', () => {
    fc.assert(
      fc.property(requestText, (text) => {
        const { model: _model, stream: _stream, ...rest } = JSON.parse(text) as Record<string, unknown>;
        expect(parse(prepareInvokeBody(encodeText(text)))).toEqual({
          anthropic_version: 'bedrock-2023-05-31',
          ...rest,
        });
      }),
    );
  });

  it.each([
    ['{"model":"a"}', '{"anthropic_version":"bedrock-2023-05-31"}'],
    ['{}', '{"anthropic_version":"bedrock-2023-05-31"}'],
    ['{"model":"a","stream":true,"x":1}', '{"anthropic_version":"bedrock-2023-05-31","x":1}'],
    ['{"x":1,"model":"a","stream":true}', '{"anthropic_version":"bedrock-2023-05-31","x":1}'],
    ['{"x":1, "model":"a", "y":2, "stream":true}', '{"anthropic_version":"bedrock-2023-05-31","x":1, "y":2}'],
    ['{"stream":true,"x":1,"model":"a","model":"b"}', '{"anthropic_version":"bedrock-2023-05-31","x":1}'],
    ['{"anthropic_version":"v","model":"a"}', '{"anthropic_version":"v"}'],
  ])('turns %s into %s', (before, after) => {
    expect(decodeText(prepareInvokeBody(encodeText(before)))).toBe(after);
  });

  it('carries betas in the body, where InvokeModel wants them', () => {
    expect(parse(prepareInvokeBody(encodeText('{"model":"a"}'), ['b1', 'b2']))['anthropic_beta']).toEqual(['b1', 'b2']);
    expect(parse(prepareInvokeBody(encodeText('{"anthropic_beta":["own"]}'), ['b1']))['anthropic_beta']).toEqual([
      'own',
    ]);
  });
});

describe('prepareOpenAiPassthrough', () => {
  it.each([
    ['{"stream":true}', '{"stream_options":{"include_usage":true},"stream":true}', true],
    ['{"stream":true,"stream_options":null}', '{"stream":true,"stream_options":{"include_usage":true}}', true],
    ['{"stream":true,"stream_options":{}}', '{"stream":true,"stream_options":{"include_usage":true}}', true],
    [
      '{"stream":true,"stream_options":{"a": 1}}',
      '{"stream":true,"stream_options":{"include_usage":true,"a": 1}}',
      true,
    ],
    [
      '{"stream":true,"stream_options":{"include_usage": false }}',
      '{"stream":true,"stream_options":{"include_usage": true }}',
      true,
    ],
    [
      '{"stream":true,"stream_options":{"include_usage": true }}',
      '{"stream":true,"stream_options":{"include_usage": true }}',
      false,
    ],
    ['{"stream":false}', '{"stream":false}', false],
    ['{"stream":true,"stream":false}', '{"stream":true,"stream":false}', false],
    ['{ }', '{ }', false],
  ])('turns %s into %s', (before, after, hideUsageChunk) => {
    const prepared = prepareOpenAiPassthrough(encodeText(before));
    expect({ body: decodeText(prepared.body), hideUsageChunk: prepared.hideUsageChunk }).toEqual({
      body: after,
      hideUsageChunk,
    });
  });

  it('rewrites the model in the same pass', () => {
    const { body } = prepareOpenAiPassthrough(encodeText('{"model":"a","stream":true,"x":"ä"}'), 'b');
    expect(decodeText(body)).toBe('{"stream_options":{"include_usage":true},"model":"b","stream":true,"x":"ä"}');
  });
});
