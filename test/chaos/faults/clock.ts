import type { Fault } from '../fault.js';
import { lasting } from '../lasting.js';

const HOUR_MS = 3_600_000;
/** With the wrong time: long enough that everything periodic happens in it. */
const WRONG_MS = 6_000;
const SERVICES = ['ingress', 'router', 'providers', 'audit', 'billing'] as const;

export const clockFaults: readonly Fault[] = SERVICES.map((service) => ({
  name: `clock-${service}`,
  does: `the clock of ${service} jumps an hour ahead, then an hour back, then to the right time`,
  isShort: service === 'ingress',
  run: async ({ switches }) => {
    for (const offset of [HOUR_MS, -HOUR_MS]) {
      switches.setClock(service, offset);
      await lasting(WRONG_MS);
    }
    switches.setClock(service, 0);
    // Until the process has looked.
    await lasting(500);
  },
}));
