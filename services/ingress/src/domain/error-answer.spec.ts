import { describe, expect, it } from '@jest/globals';
import { ERRORS, type ClientDialect, type ErrorCode } from '@weir/contracts';
import { getDialect } from '@weir/dialects';
import { errorOfFailure, errorOfRefusal, failureHere } from './error-answer.js';
import { refuse } from './refusal.js';

function rendered(dialect: ClientDialect, code: ErrorCode) {
  const { status, headers, body } = getDialect(dialect).renderError(errorOfRefusal(refuse(code, { param: 'p' }), 'id'));
  return { status, headers, body: JSON.parse(Buffer.from(body).toString()) as Record<string, never> };
}

describe('errors of the registry', () => {
  it.each(Object.keys(ERRORS) as ErrorCode[])('%s looks in each dialect as the registry says', (code) => {
    const definition = ERRORS[code];
    const openai = rendered('openai-chat', code);
    expect(openai.status).toBe(definition.status);
    expect(openai.body['error']).toMatchObject({
      type: definition.openai.type,
      param: 'p',
      message: definition.message,
    });
    const { code: openaiCode } = openai.body['error'] as unknown as { code: string };
    expect(openaiCode).toBe(definition.openai.code ?? code);
    const anthropic = rendered('anthropic', code);
    expect(anthropic.body).toMatchObject({ type: 'error', error: { type: definition.anthropic }, request_id: 'id' });
    expect(anthropic.headers['x-should-retry']).toBe(String(definition.retryable));
  });
});

describe('errors that cross the bus', () => {
  it('keep the status and the wait they came with', () => {
    const failure = { ...failureHere('upstream_rate_limited'), status: 429, retryAfterSeconds: 7 };
    expect(errorOfFailure(failure, 'id')).toMatchObject({ status: 429, retryAfterSeconds: 7, isRetryable: true });
  });

  it('name the field that a worker found at fault', () => {
    const failure = { ...failureHere('invalid_request'), param: 'n' };
    const { body } = getDialect('openai-chat').renderError(errorOfFailure(failure, 'id'));
    expect(JSON.parse(Buffer.from(body).toString())).toMatchObject({ error: { param: 'n' } });
  });

  it("have the type that belongs to a provider's own status", () => {
    const failure = { ...failureHere('upstream_rejected'), status: 404 };
    expect(errorOfFailure(failure, 'id')).toMatchObject({
      status: 404,
      type: 'not_found',
      appearance: { anthropic: 'not_found_error' },
    });
    expect(errorOfFailure({ ...failure, status: 422 }, 'id')).toMatchObject({ status: 422, type: 'invalid_request' });
  });

  it('do not announce a wait that a client would sit through for a day', () => {
    const failure = { ...failureHere('upstream_rate_limited'), retryAfterSeconds: 86_400 };
    const error = errorOfFailure(failure, 'id');
    expect(error.retryAfterSeconds).toBeUndefined();
    expect(error.isRetryable).toBe(false);
  });

  it('are internal where this version does not know them', () => {
    expect(errorOfFailure({ ...failureHere('internal'), code: 'from_the_future' }, 'id').code).toBe('internal');
  });
});
