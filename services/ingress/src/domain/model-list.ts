import type { ModelRecord } from '@weir/contracts';

const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 1_000;

/** OpenAI's object of a model (API reference, "The model object"). */
export function openaiModel(model: ModelRecord): object {
  return { id: model.name, object: 'model', created: Math.floor(model.createdAt / 1_000), owned_by: 'weir' };
}

/** Anthropic's object of a model (API reference, "Get a Model"). */
export function anthropicModel(model: ModelRecord): object {
  return {
    type: 'model',
    id: model.name,
    display_name: model.displayName,
    created_at: new Date(model.createdAt).toISOString(),
  };
}

export function openaiModelList(models: readonly ModelRecord[]): object {
  return { object: 'list', data: models.map(openaiModel) };
}

export interface Page {
  readonly limit?: string | undefined;
  readonly after_id?: string | undefined;
  readonly before_id?: string | undefined;
}

function limitOf(page: Page): number {
  const limit = Number(page.limit ?? LIMIT_DEFAULT);
  return Number.isInteger(limit) && limit >= 1 ? Math.min(limit, LIMIT_MAX) : LIMIT_DEFAULT;
}

/** A page of models as Anthropic lists them: `after_id` goes forward, `before_id` back; a cursor that names no model starts at the first. */
export function anthropicModelList(models: readonly ModelRecord[], page: Page): object {
  const limit = limitOf(page);
  const indexOf = (id: string | undefined) => (id === undefined ? -1 : models.findIndex((model) => model.name === id));
  const before = indexOf(page.before_id);
  const start = before >= 0 ? Math.max(0, before - limit) : indexOf(page.after_id) + 1;
  const end = before >= 0 ? before : start + limit;
  const data = models.slice(start, end);
  return {
    data: data.map(anthropicModel),
    has_more: before >= 0 ? start > 0 : end < models.length,
    first_id: data[0]?.name ?? null,
    last_id: data.at(-1)?.name ?? null,
  };
}

/** Models in a stable order: newest first, then by name. */
export function inListOrder(models: readonly ModelRecord[]): ModelRecord[] {
  return [...models].sort((a, b) => b.createdAt - a.createdAt || (a.name < b.name ? -1 : 1));
}
