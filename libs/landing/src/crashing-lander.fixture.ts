import type { Warehouse } from '@weir/warehouse';
import { startTestLanding, type TestAddresses } from './landing.fixture.js';

/**
 * A sink in a process of its own, to be killed. `before-insert` and `after-insert` say when it stands still, for ever, as a process
 * does that is about to die; it tells its parent.
 */
type Moment = 'before-insert' | 'after-insert' | 'never';

const [addresses, moment] = process.argv.slice(2) as [string, Moment];

function stopAt(warehouse: Warehouse): Warehouse {
  const standStill = (): Promise<never> => {
    process.send?.({ type: 'standing still' });
    return new Promise(() => undefined);
  };
  return {
    ...warehouse,
    insertLines: async (batch) => {
      if (batch.table === 'events' && moment === 'before-insert') await standStill();
      // Under another token, as if the server had forgotten the batch's own since: then only the look-up finds the rows.
      await warehouse.insertLines({ ...batch, token: `forgotten:${batch.token}` });
      if (batch.table === 'events' && moment === 'after-insert') await standStill();
    },
  };
}

await startTestLanding(JSON.parse(addresses) as TestAddresses, { wrap: stopAt });
process.send?.({ type: 'started' });
