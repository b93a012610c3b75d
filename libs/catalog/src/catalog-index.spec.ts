import { describe, expect, it } from '@jest/globals';
import { COMPLETE_KEY, kvKey, type KeyRecord } from '@weir/contracts';
import fc from 'fast-check';
import { aliasRecord, keyRecord, modelRecord, priceRecord } from './catalog.fixture.js';
import { CatalogIndex } from './catalog-index.js';

describe('CatalogIndex', () => {
  const put = (index: CatalogIndex, kind: string, id: string, value: unknown) =>
    index.apply('catalog', kvKey(kind, id), value, 1);

  it('ends with the newest version of a record, in whatever order versions arrive', () => {
    const versions = fc.array(fc.record({ version: fc.integer({ min: 1, max: 20 }), isRemoved: fc.boolean() }), {
      minLength: 1,
    });
    fc.assert(
      fc.property(versions, (arrivals) => {
        const index = new CatalogIndex();
        let newest: { version: number; isRemoved: boolean } | undefined;
        for (const arrival of arrivals) {
          const { version, isRemoved } = arrival;
          put(index, 'key', 'k', isRemoved ? { kind: 'removed', version } : keyRecord('k', version));
          if (newest === undefined || version >= newest.version) newest = arrival;
        }
        const held = index.findKey('hmac-k');
        if (newest?.isRemoved) expect(held).toBeUndefined();
        else expect(held?.version).toBe(newest?.version);
      }),
    );
  });

  it('does not bring a removed key back by an older record', () => {
    const index = new CatalogIndex();
    put(index, 'key', 'k', keyRecord('k', 3));
    put(index, 'key', 'k', { kind: 'removed', version: 4 });
    expect(put(index, 'key', 'k', keyRecord('k', 3))).toEqual({ kind: 'ignored' });
    expect(index.findKey('hmac-k')).toBeUndefined();
  });

  it('forgets the old HMAC of a key that was given a new one', () => {
    const index = new CatalogIndex();
    put(index, 'key', 'k', keyRecord('k', 1));
    put(index, 'key', 'k', { ...keyRecord('k', 2), hmac: 'rotated' } satisfies KeyRecord);
    expect(index.findKey('hmac-k')).toBeUndefined();
    expect(index.findKey('rotated')?.version).toBe(2);
  });

  it('finds a model by its own name before any alias, an exact alias before a wildcard, the longest wildcard first', () => {
    const index = new CatalogIndex();
    for (const name of ['gpt-real', 'a', 'b', 'c']) put(index, 'model', name, modelRecord(name, 1));
    put(index, 'alias', 'gpt-*', aliasRecord('gpt-*', 'a'));
    put(index, 'alias', 'gpt-4*', aliasRecord('gpt-4*', 'b'));
    put(index, 'alias', 'gpt-4o', aliasRecord('gpt-4o', 'c'));
    expect(index.findModel('gpt-real')?.name).toBe('gpt-real');
    expect(index.findModel('gpt-4o')?.name).toBe('c');
    expect(index.findModel('gpt-4.1')?.name).toBe('b');
    expect(index.findModel('gpt-5')?.name).toBe('a');
    expect(index.findModel('claude')).toBeUndefined();
    put(index, 'alias', 'gpt-4*', undefined);
    expect(index.findModel('gpt-4.1')?.name).toBe('a');
    expect(index.models().map(({ name }) => name)).toEqual(['a', 'b', 'c', 'gpt-real']);
  });

  it('drops what a whole reading of a rebuilt bucket does not show, and only of that bucket', () => {
    const index = new CatalogIndex();
    put(index, 'key', 'kept', keyRecord('kept', 1));
    put(index, 'key', 'gone', keyRecord('gone', 1));
    index.apply('prices', kvKey('price', 'p@1'), priceRecord('p', 'p@1', 0), 1);
    index.apply('catalog', kvKey('key', 'kept'), keyRecord('kept', 1), 2);
    expect(index.dropUnseen('catalog', 2)).toBe(true);
    expect(index.findKey('hmac-gone')).toBeUndefined();
    expect(index.findKey('hmac-kept')).toBeDefined();
    expect(index.price('p@1')).toBeDefined();
  });

  it('keeps the record it has where the new one cannot be read', () => {
    const index = new CatalogIndex();
    put(index, 'key', 'k', keyRecord('k', 1));
    expect(put(index, 'key', 'k', { kind: 'key', version: 2 }).kind).toBe('fault');
    expect(index.findKey('hmac-k')?.version).toBe(1);
  });

  it('gives the newest price that is valid at the time', () => {
    const index = new CatalogIndex();
    for (const [version, from] of [
      ['p@1', 100],
      ['p@3', 300],
      ['p@2', 200],
    ] as const) {
      index.apply('prices', kvKey('price', version), priceRecord('p', version, from), 1);
    }
    const at = (time: number) => index.priceFor('p', time)?.priceVersion;
    expect([at(99), at(100), at(250), at(300), at(1e15)]).toEqual([undefined, 'p@1', 'p@2', 'p@3', 'p@3']);
    expect(index.priceFor('unknown', 100)).toBeUndefined();
    const regional = { ...priceRecord('p', 'p+eu@0', 0), region: 'eu' };
    index.apply('prices', kvKey('price', 'p+eu@0'), regional, 1);
    expect(index.priceFor('p', 100, 'eu')?.priceVersion).toBe('p+eu@0');
    expect(index.priceFor('p', 100, 'us')?.priceVersion).toBe(at(100));
    expect(at(100)).not.toBe('p+eu@0');
  });

  it('lists every record of the catalog but the marker and what was removed', () => {
    const index = new CatalogIndex();
    put(index, 'key', 'k', keyRecord('k', 1));
    put(index, 'model', 'm', modelRecord('m', 1));
    put(index, 'model', 'm', { kind: 'removed', version: 2 });
    index.apply('catalog', COMPLETE_KEY, { kind: 'complete', version: 1, records: 1 }, 1);
    expect([...index.entries()].map(({ kind }) => kind)).toEqual(['key']);
  });
});
