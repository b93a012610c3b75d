import { createFailpoint } from './failpoint.js';
import { startTestLanding, testSink, type TestAddresses } from './landing.fixture.js';

/** A sink in a process of its own, to be stopped after a step and killed or paused there. It tells its state when it is asked. */
const [addresses = '', failpoint] = process.argv.slice(2);

const isOnTheWay = failpoint === 'insert-on-its-way';
const stop = createFailpoint(isOnTheWay ? 'landing.after-intent' : failpoint, testSink.name);

const landing = await startTestLanding(JSON.parse(addresses) as TestAddresses, {
  failpoint: isOnTheWay ? () => Promise.resolve() : stop,
  // Beyond every check: a request that is held up between the writer and the server.
  wrap: (warehouse) => ({
    ...warehouse,
    insertLines: async (batch) => {
      if (isOnTheWay && batch.table === 'events') await stop('intent');
      await warehouse.insertLines(batch);
      if (isOnTheWay && batch.table === 'events') process.send?.({ type: 'inserted' });
    },
  }),
});
process.on('message', (message: { readonly type: string }) => {
  if (message.type === 'state') process.send?.({ type: 'state', text: JSON.stringify(landing.health.report()) });
});
process.send?.({ type: 'started' });
