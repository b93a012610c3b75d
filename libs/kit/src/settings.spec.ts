import { describe, expect, it } from '@jest/globals';
import { CommonSettings, parseSettings, SettingsError } from './settings.js';

describe('parseSettings', () => {
  it('lists every fault at once', () => {
    try {
      parseSettings(CommonSettings, { WEIR_SERVICE_ID: 'Not Valid', WEIR_NATS_URL: '', WEIR_TIME_SCALE: '-1' });
      throw new Error('accepted');
    } catch (error) {
      expect(error).toBeInstanceOf(SettingsError);
      const faults = (error as SettingsError).faults.map((fault) => fault.split(':')[0]);
      expect(faults).toEqual(
        expect.arrayContaining([
          'WEIR_SERVICE_ID',
          'WEIR_NATS_URL',
          'WEIR_NATS_USER',
          'WEIR_NATS_PASSWORD',
          'WEIR_TIME_SCALE',
        ]),
      );
    }
  });
});
