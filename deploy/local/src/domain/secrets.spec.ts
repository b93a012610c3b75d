import { describe, expect, it } from '@jest/globals';
import { completeSecrets } from './secrets.js';

describe('completeSecrets', () => {
  it('makes every secret different and long', () => {
    const { natsPasswords, ...others } = completeSecrets({}, () => 'sk-weir-key');
    const all = [...Object.values(natsPasswords), ...Object.values(others)];
    expect(new Set(all).size).toBe(all.length);
    for (const secret of all.filter((one) => one !== 'sk-weir-key')) expect(secret).toMatch(/^[\w-]{43}$/);
  });

  it('replaces nothing that a home already has', () => {
    const before = completeSecrets({}, () => 'first');
    const after = completeSecrets(before, () => 'second');
    expect(after).toEqual(before);
    const { adminToken: _adminToken, ...older } = before;
    expect(completeSecrets(older, () => 'second')).toMatchObject(older);
  });
});
