import { describe, expect, it } from '@jest/globals';
import { readSettings } from './settings.js';

describe('readSettings', () => {
  it('listens on loopback unless told otherwise', () => {
    expect(readSettings({})).toEqual({ host: '127.0.0.1', port: 8083, drainMs: 30_000 });
  });

  it('lists every variable that cannot be read', () => {
    const read = () => readSettings({ WEIR_SIMULATOR_PORT: '99999', WEIR_SIMULATOR_DRAIN_MS: 'long' });
    expect(read).toThrow(/WEIR_SIMULATOR_PORT[^]*WEIR_SIMULATOR_DRAIN_MS/);
  });
});
