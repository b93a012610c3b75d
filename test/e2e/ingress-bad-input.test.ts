import { after, before, describe, it } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { startStack, type Connection, type RunningStack } from '@weir/testing';
import { expect } from 'expect';
import {
  RawClient,
  chat,
  expectAnthropicError,
  expectOpenAiError,
  expectRecordedRefusal,
  expectStillServing,
  idOf,
  message,
  rawRequest,
  recordOf,
  residentMegabytes,
  send,
  type ExpectedError,
} from './ingress-client.js';

const MEBIBYTE = 1024 * 1024;
let stack: RunningStack;
let connection: Connection;

before(async () => {
  stack = await startStack();
  ({ connection } = stack);
});
after(() => stack.stop());

describe('a body that is no request', () => {
  const rows: readonly (readonly [
    what: string,
    openai: string | Uint8Array,
    anthropic: string | Uint8Array,
    expected: ExpectedError,
  ])[] = [
    ['malformed JSON', '{"model":', '{"model":', { status: 400, code: 'malformed_json' }],
    ['an array', '[]', '[]', { status: 400, code: 'malformed_json' }],
    ['nothing at all', '', '', { status: 400, code: 'malformed_json' }],
    [
      'invalid UTF-8',
      Buffer.from(chat('caf\u00e9'), 'latin1'),
      Buffer.from(message('caf\u00e9'), 'latin1'),
      { status: 400, code: 'invalid_utf8' },
    ],
    [
      'no messages',
      chat('x', { messages: [] }),
      message('x', { messages: [] }),
      { status: 400, code: 'invalid_request', param: 'messages' },
    ],
    [
      'messages of the wrong type',
      chat('x', { messages: 'hello' }),
      message('x', { messages: 'hello' }),
      { status: 400, code: 'invalid_request', param: 'messages' },
    ],
    [
      'a model of the wrong type',
      chat('x', { model: 5 }),
      message('x', { model: 5 }),
      { status: 400, code: 'invalid_request', param: 'model' },
    ],
    [
      'stream of the wrong type',
      chat('x', { stream: 'yes' }),
      message('x', { stream: 'yes' }),
      { status: 400, code: 'invalid_request', param: 'stream' },
    ],
    [
      'an unknown model',
      chat('x', { model: 'no-such-model' }),
      message('x', { model: 'no-such-model' }),
      { status: 404, code: 'model_not_found', param: 'model', anthropicType: 'not_found_error' },
    ],
  ];

  for (const [what, openai, anthropic, expected] of rows) {
    it(`is refused in either dialect and recorded: ${what}`, async () => {
      const inOpenAi = await send(connection, { path: '/v1/chat/completions', body: openai });
      expectOpenAiError(inOpenAi, expected);
      expect(inOpenAi.headers['x-should-retry']).toBe('false');
      const inAnthropic = await send(connection, { path: '/v1/messages?beta=true', body: anthropic });
      expectAnthropicError(inAnthropic, expected);
      await expectRecordedRefusal(connection, inOpenAi, expected);
      await expectRecordedRefusal(connection, inAnthropic, expected);
    });
  }
});

describe('the size of a body', () => {
  const padded = (bytes: number) => {
    const empty = chat('');
    return chat('y'.repeat(bytes - empty.length));
  };

  it('may be 32 MiB', async () => {
    const body = padded(32 * MEBIBYTE);
    expect(body.length).toBe(32 * MEBIBYTE);
    const answer = await send(connection, { path: '/v1/chat/completions', body });
    // It arrives whole at the provider, whose own limit is the context window.
    expect([200, 400]).toContain(answer.status);
    expect((await recordOf(connection, idOf(answer))).request_bytes).toBe(32 * MEBIBYTE);
  });

  it('may not be 33 MiB, announced or not', async () => {
    const expected = {
      status: 413,
      code: 'body_too_large',
      openaiCode: 'request_too_large',
      anthropicType: 'request_too_large',
    };
    const body = Buffer.alloc(33 * MEBIBYTE, 'x');
    const announced = await send(connection, { path: '/v1/chat/completions', body });
    expectOpenAiError(announced, expected);
    await expectRecordedRefusal(connection, announced, expected);
    const client = await RawClient.open(connection);
    client.write(rawRequest(connection, ['POST /v1/messages HTTP/1.1', 'Host: x', 'Transfer-Encoding: chunked']));
    client.write(`${body.length.toString(16)}\r\n`);
    client.write(body);
    expect(await client.until('request_too_large')).toMatch(/^HTTP\/1\.1 413 /);
    client.close();
    await expectStillServing(connection);
  });

  it('is that of what it decodes to', async () => {
    const bomb = gzipSync(Buffer.alloc(200 * MEBIBYTE));
    const expected = { status: 413, code: 'body_too_large', openaiCode: 'request_too_large' };
    const residentBefore = await residentMegabytes(connection, 'ingress');
    const answer = await send(connection, {
      path: '/v1/chat/completions',
      headers: { 'content-encoding': 'gzip' },
      body: bomb,
    });
    expectOpenAiError(answer, expected);
    await expectRecordedRefusal(connection, answer, expected);
    expect((await residentMegabytes(connection, 'ingress')) - residentBefore).toBeLessThan(100);
    await expectStillServing(connection);
  });
});

describe('the encoding of a body', () => {
  it('may be gzip or brotli', async () => {
    for (const [encoding, body] of [
      ['gzip', gzipSync(chat('hello'))],
      ['br', brotliCompressSync(chat('hello'))],
    ] as const) {
      const answer = await send(connection, {
        path: '/v1/chat/completions',
        headers: { 'content-encoding': encoding },
        body,
      });
      expect(answer.status).toBe(200);
    }
  });

  it('is refused where it is unknown or a lie', async () => {
    const path = '/v1/chat/completions';
    const unknown = await send(connection, { path, headers: { 'content-encoding': 'zstd' }, body: chat('x') });
    expectOpenAiError(unknown, { status: 415, code: 'unsupported_encoding' });
    const lie = await send(connection, { path, headers: { 'content-encoding': 'gzip' }, body: chat('x') });
    expectOpenAiError(lie, { status: 400, code: 'invalid_request' });
    const form = await send(connection, {
      path,
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
      body: '--x--',
    });
    expectOpenAiError(form, { status: 415, code: 'unsupported_media_type' });
  });
});
