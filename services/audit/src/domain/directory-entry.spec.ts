import { describe, expect, it } from '@jest/globals';
import { CatalogRecord } from '@weir/contracts';
import { findDirectoryEntry } from './directory-entry.js';

const person = {
  kind: 'person',
  version: 4,
  id: 'p1',
  organisationId: 'o1',
  teamId: 't1',
  name: 'Li Wei',
  email: null,
};

describe('the directory', () => {
  it('names people with their place', () => {
    expect(findDirectoryEntry(CatalogRecord.parse(person))).toEqual({ ...person, email: '' });
  });

  it('names organisations, teams and keys, and no hash of a key', () => {
    const key = {
      kind: 'key',
      version: 2,
      id: 'k1',
      hmac: 'secret',
      organisationId: 'o1',
      teamId: 't1',
      personId: null,
      name: 'build',
      state: 'active',
      expiresAt: null,
      models: null,
      ipAllow: null,
    };
    expect(findDirectoryEntry(CatalogRecord.parse(key))).toEqual({
      kind: 'key',
      version: 2,
      id: 'k1',
      organisationId: 'o1',
      teamId: 't1',
      name: 'build',
      email: '',
    });
    const team = CatalogRecord.parse({ kind: 'team', version: 1, id: 't1', organisationId: 'o1', name: 'Core' });
    expect(findDirectoryEntry(team)).toMatchObject({ id: 't1', teamId: 't1', name: 'Core' });
    const organisation = CatalogRecord.parse({ kind: 'organisation', version: 1, id: 'o1', name: 'Acme' });
    expect(findDirectoryEntry(organisation)).toMatchObject({ id: 'o1', organisationId: 'o1', name: 'Acme' });
  });

  it('has no entry for what names nobody', () => {
    expect(findDirectoryEntry(CatalogRecord.parse({ kind: 'removed', version: 9 }))).toBeUndefined();
    expect(findDirectoryEntry(CatalogRecord.parse({ kind: 'complete', version: 9, records: 3 }))).toBeUndefined();
    const alias = CatalogRecord.parse({ kind: 'alias', version: 1, pattern: 'gpt-*', model: 'sim-openai' });
    expect(findDirectoryEntry(alias)).toBeUndefined();
  });
});
