import { describe, expect, it } from '@jest/globals';
import { DropList } from './drop-list.js';

describe('DropList', () => {
  it('lists each code once, in the order met', () => {
    const list = new DropList();
    for (const field of ['top_k', 'seed', 'top_k']) list.add(field, 'not_carried');
    expect(list.codes).toEqual(['top_k:not_carried', 'seed:not_carried']);
  });

  it('keeps the beginning of a field, and no half of a character', () => {
    const list = new DropList();
    list.add('x'.repeat(300_000), 'not_carried');
    list.add(`${'y'.repeat(79)}😀 and more`, 'not_carried');
    expect(list.codes).toEqual([`${'x'.repeat(80)}…:not_carried`, `${'y'.repeat(79)}…:not_carried`]);
  });

  it('says how many it does not list', () => {
    const list = new DropList();
    for (let index = 0; index < 32; index++) list.add(`field_${index}`, 'not_carried');
    expect(list.codes).toHaveLength(32);
    for (let index = 0; index < 50_000; index++) list.add(`field_${index}`, 'not_carried');
    expect(list.codes).toHaveLength(33);
    expect(list.codes.at(-1)).toBe('other_fields:49968_not_listed');
  });
});
