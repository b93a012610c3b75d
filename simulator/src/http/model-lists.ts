import { simulatedModels, type SimulatedModel } from '../domain/models.js';
import type { Exchange } from './exchange.js';

const createdAt = '2026-01-01T00:00:00Z';

/** OpenAI's shape, or Anthropic's for a caller that sends `anthropic-version`. */
export function serveModels(exchange: Exchange): void {
  const isAnthropic = exchange.header('anthropic-version') !== undefined;
  const models = simulatedModels.filter((model) =>
    model.formats.includes(isAnthropic ? 'anthropic-messages' : 'openai-chat'),
  );
  const shape = isAnthropic ? anthropicModel : openaiModel;
  const id = /\/models\/([^/]+)\/?$/.exec(exchange.url.pathname)?.[1];
  if (id === undefined) {
    respondJson(exchange, 200, isAnthropic ? anthropicPage(models) : { object: 'list', data: models.map(openaiModel) });
    return;
  }
  const model = models.find((each) => each.name === decodeURIComponent(id));
  if (model === undefined) respondJson(exchange, 404, isAnthropic ? anthropicMissing(id) : openaiMissing(id));
  else respondJson(exchange, 200, shape(model));
}

function openaiModel(model: SimulatedModel): Record<string, unknown> {
  return { id: model.name, object: 'model', created: Date.parse(createdAt) / 1000, owned_by: model.owner };
}

function anthropicModel(model: SimulatedModel): Record<string, unknown> {
  return {
    type: 'model',
    id: model.name,
    display_name: model.displayName,
    created_at: createdAt,
    max_input_tokens: model.inputTokensMax,
    max_tokens: model.outputTokensMax,
  };
}

function anthropicPage(models: readonly SimulatedModel[]): Record<string, unknown> {
  return {
    data: models.map(anthropicModel),
    has_more: false,
    first_id: models[0]?.name ?? null,
    last_id: models.at(-1)?.name ?? null,
  };
}

function openaiMissing(id: string): Record<string, unknown> {
  return {
    error: {
      message: `The model '${id}' does not exist`,
      type: 'invalid_request_error',
      param: 'model',
      code: 'model_not_found',
    },
  };
}

function anthropicMissing(id: string): Record<string, unknown> {
  return { type: 'error', error: { type: 'not_found_error', message: `model: ${id}` } };
}

function respondJson(exchange: Exchange, status: number, value: unknown): void {
  exchange.respond(status, { 'content-type': 'application/json' }, JSON.stringify(value));
}
