/** A thread that checks pages: told whose record by its data, and one page a message. */
import { parentPort, workerData } from 'node:worker_threads';
import { createWarehouse } from '@weir/warehouse';
import { PageCheck, type PageTask } from './page-check.js';
import type { WorkerInput } from './page-pool.js';

const { warehouse, options } = workerData as WorkerInput;
const check = new PageCheck(createWarehouse(warehouse), options);

parentPort?.on('message', ({ number, task }: { readonly number: number; readonly task: PageTask }) => {
  void check.check(task).then(
    (outcome) => parentPort?.postMessage({ number, outcome }),
    (error: unknown) => parentPort?.postMessage({ number, error }),
  );
});
