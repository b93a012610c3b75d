import { describe, expect, it } from '@jest/globals';
import type { ModelRecord } from '@weir/contracts';
import { anthropicModelList, inListOrder, openaiModelList } from './model-list.js';

const models = Array.from({ length: 25 }, (_, n) => ({
  kind: 'model',
  version: 1,
  name: `m${String(n).padStart(2, '0')}`,
  displayName: `Model ${n}`,
  createdAt: 1_700_000_000_000,
  deployments: [],
})) as ModelRecord[];

describe('lists of models', () => {
  it('have the shape of OpenAI', () => {
    expect(openaiModelList(models.slice(0, 1))).toEqual({
      object: 'list',
      data: [{ id: 'm00', object: 'model', created: 1_700_000_000, owned_by: 'weir' }],
    });
  });

  it('come in pages for Anthropic, forward and back', () => {
    const page = (query: object) => anthropicModelList(models, query) as { data: { id: string }[]; has_more: boolean };
    expect(page({}).data).toHaveLength(20);
    expect(page({})).toMatchObject({ has_more: true, first_id: 'm00', last_id: 'm19' });
    expect(page({ after_id: 'm19' })).toMatchObject({ has_more: false, first_id: 'm20', last_id: 'm24' });
    expect(page({ before_id: 'm05', limit: '2' })).toMatchObject({ has_more: true, first_id: 'm03', last_id: 'm04' });
    expect(page({ limit: '1000' }).data).toHaveLength(25);
    expect(page({ limit: 'all' }).data).toHaveLength(20);
    expect(anthropicModelList([], {})).toEqual({ data: [], has_more: false, first_id: null, last_id: null });
  });

  it('are in one order, newest first', () => {
    const [oldest, newest] = [models[3], models[4]] as [ModelRecord, ModelRecord];
    const sorted = inListOrder([oldest, { ...newest, createdAt: newest.createdAt + 1 }]);
    expect(sorted.map((model) => model.name)).toEqual(['m04', 'm03']);
  });
});
