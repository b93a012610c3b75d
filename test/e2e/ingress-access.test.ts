import { after, before, describe, it } from 'node:test';
import { startStack, type Connection, type RunningStack } from '@weir/testing';
import { expect } from 'expect';
import {
  RawClient,
  chat,
  expectAnthropicError,
  expectOpenAiError,
  expectRecordedRefusal,
  expectStillServing,
  message,
  rawRequest,
  send,
  sendWithoutKey,
} from './ingress-client.js';

let stack: RunningStack;
let connection: Connection;

before(async () => {
  stack = await startStack();
  ({ connection } = stack);
});
after(() => stack.stop());

describe('a key', () => {
  const path = '/v1/chat/completions';

  it('that is unknown or absent is refused and recorded', async () => {
    const unknown = await send(connection, {
      path,
      headers: { authorization: 'Bearer sk-weir-nobody' },
      body: chat('x'),
    });
    expectOpenAiError(unknown, { status: 401, code: 'invalid_key', openaiCode: 'invalid_api_key' });
    await expectRecordedRefusal(connection, unknown, { status: 401, code: 'invalid_key' });
    const absent = await sendWithoutKey(connection, { path, body: chat('x') });
    expectOpenAiError(absent, { status: 401, code: 'missing_key', openaiCode: 'missing_api_key' });
    await expectRecordedRefusal(connection, absent, { status: 401, code: 'missing_key' });
  });

  it('is taken from each of its headers, and from none where two differ', async () => {
    const { key } = connection.gateway;
    for (const headers of [{ authorization: `Bearer ${key}` }, { 'x-api-key': key }, { 'api-key': key }]) {
      expect((await send(connection, { path, headers, body: chat('hello') })).status).toBe(200);
    }
    const same = await send(connection, { path, headers: { 'x-api-key': key, 'api-key': key }, body: chat('hello') });
    expect(same.status).toBe(200);
    const differ = await send(connection, {
      path: '/v1/messages',
      headers: { 'x-api-key': key, 'api-key': 'other' },
      body: message('x'),
    });
    expectAnthropicError(differ, { status: 401, code: 'conflicting_keys', anthropicType: 'authentication_error' });
    await expectRecordedRefusal(connection, differ, { status: 401, code: 'conflicting_keys' });
  });

  it('that comes twice in one header is a conflict too, which no parser hides', async () => {
    const client = await RawClient.open(connection);
    client.write(
      rawRequest(
        connection,
        ['POST /v1/chat/completions HTTP/1.1', 'Host: x', 'Authorization: Bearer other'],
        chat('x'),
      ),
    );
    expect(await client.until('different API keys')).toMatch(/^HTTP\/1\.1 401 /);
    client.close();
  });
});

describe('hostile headers', () => {
  it('choose no host and no route', async () => {
    const client = await RawClient.open(connection);
    const head = [
      'POST /v1/chat/completions HTTP/1.1',
      'Host: api.openai.com.evil.example:1/../../admin',
      'X-Forwarded-Host: evil.example',
      'X-Original-URL: /v1/messages',
      'X-Rewrite-URL: /admin',
      'X-HTTP-Method-Override: DELETE',
      'X-Portkey-Custom-Host: http://127.0.0.1:1',
      'Connection: close',
    ];
    client.write(rawRequest(connection, head, chat('hello')));
    await client.untilClosed();
    expect(client.text).toMatch(/^HTTP\/1\.1 200 /);
    expect(client.text).toContain('"object":"chat.completion"');
  });

  it('reach neither the answer nor the log', async () => {
    const client = await RawClient.open(connection);
    const head = [
      'POST /v1/chat/completions HTTP/1.1',
      'Host: x',
      'X-Request-Id: a\tb',
      'anthropic-beta: x',
      'Connection: close',
    ];
    client.write(rawRequest(connection, head, chat('hello', { model: 'nope\r\nset-cookie: stolen=1' })));
    await client.untilClosed();
    expect(client.text).toMatch(/^HTTP\/1\.1 404 /);
    expect(client.text.toLowerCase()).not.toMatch(/^set-cookie/m);
    expect(stack.readLog('ingress')).not.toContain(connection.gateway.key);
  });

  it('that are not HTTP end the connection and nothing else', async () => {
    for (const line of ['X-Injected: a\u0000b', 'X-Bad\u0001Name: a', `X-Long: ${'y'.repeat(64 * 1024)}`]) {
      const client = await RawClient.open(connection);
      client.write(rawRequest(connection, ['POST /v1/chat/completions HTTP/1.1', 'Host: x', line], chat('x')));
      await client.untilClosed();
      expect(client.text).toMatch(/^HTTP\/1\.1 4(?:00|31) /);
    }
    await expectStillServing(connection);
  });
});

describe('routes', () => {
  it('are found under every base URL, without a redirect', async () => {
    for (const base of ['', '/v1', '/openai', '/openai/v1', '/v1/']) {
      const answer = await send(connection, { path: `${base}/chat/completions`, body: chat('hello') });
      expect(answer.status).toBe(200);
    }
    for (const base of ['', '/anthropic', '/v1', '/anthropic/v1']) {
      const answer = await send(connection, { path: `${base}/v1/messages?beta=true`, body: message('hello') });
      expect(answer.status).toBe(200);
    }
    const probe = await sendWithoutKey(connection, { method: 'HEAD', path: '/' });
    expect(probe.status).toBe(200);
  });

  it('that do not exist are 404 in the dialect of the caller, and recorded', async () => {
    const openai = await send(connection, { path: '/v1/responses', body: '{}' });
    expectOpenAiError(openai, { status: 404, code: 'route_not_found' });
    await expectRecordedRefusal(connection, openai, { status: 404, code: 'route_not_found' });
    const anthropic = await send(connection, { path: '/anthropic/v1/complete', body: '{}' });
    expectAnthropicError(anthropic, { status: 404, code: 'route_not_found', anthropicType: 'not_found_error' });
    const method = await send(connection, { method: 'GET', path: '/v1/chat/completions' });
    expectOpenAiError(method, { status: 405, code: 'method_not_allowed' });
    expect(method.headers['allow']).toBe('POST');
    const encoded = await send(connection, { path: '/v1%2fchat/completions', body: chat('x') });
    expect(encoded.status).toBe(404);
    const undecodable = await send(connection, { method: 'GET', path: '/v1/models/%zz' });
    expectOpenAiError(undecodable, { status: 404, code: 'model_not_found', param: 'model' });
  });
});

describe('models', () => {
  it('are listed in the shape of the caller', async () => {
    const openai = JSON.parse((await send(connection, { method: 'GET', path: '/v1/models' })).text) as {
      data: { id: string }[];
    };
    expect(openai).toMatchObject({ object: 'list' });
    expect(openai.data.map((model) => model.id)).toEqual(expect.arrayContaining(['sim-openai', 'sim-anthropic']));
    const headers = { 'x-api-key': connection.gateway.key, 'anthropic-version': '2023-06-01' };
    const anthropic = await send(connection, { method: 'GET', path: '/v1/models?limit=1000', headers });
    expect(JSON.parse(anthropic.text)).toMatchObject({
      has_more: false,
      first_id: expect.stringMatching(/./) as unknown,
    });
    expect(anthropic.text).toContain('"type":"model"');
  });

  it('are found by id and by alias', async () => {
    const model = await send(connection, { method: 'GET', path: '/openai/v1/models/sim-qwen' });
    expect(JSON.parse(model.text)).toMatchObject({ id: 'sim-qwen', object: 'model' });
    const absent = await send(connection, { method: 'GET', path: '/v1/models/meta%2Fno:model' });
    expectOpenAiError(absent, { status: 404, code: 'model_not_found', param: 'model' });
  });
});
