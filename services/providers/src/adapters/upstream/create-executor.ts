import { CallForwarder, WorkerControlServer, type BusConnection } from '@weir/bus';
import type { Catalog } from '@weir/catalog';
import { scaleTiming } from '@weir/contracts';
import { createEgress } from '@weir/egress';
import type { Clock, Logger } from '@weir/kit';
import type { ProvidersSettings } from '../../settings.js';
import { OutcomePublisher } from '../bus/outcome-publisher.js';
import type { ProviderMetrics } from '../metrics.js';
import type { AttemptJournal } from '../record/attempt-journal.js';
import { anthropicRequest } from './anthropic.adapter.js';
import { BedrockAdapter } from './bedrock.adapter.js';
import { CallExecutor, type CallWatcher } from './call-executor.js';
import { openAiCompatibleRequest } from './openai-compatible.adapter.js';
import { ProviderCredentials } from './provider-credentials.js';
import { UpstreamPools } from './upstream-pools.js';

/** Good outcomes are told this often, at scale 1. */
const OUTCOMES_EVERY_MS = 250;

export interface ExecutorOptions {
  readonly connection: BusConnection;
  readonly catalog: Catalog;
  readonly record: AttemptJournal;
  readonly metrics: ProviderMetrics;
  readonly settings: ProvidersSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly watcher: CallWatcher;
}

export interface OpenExecutor {
  readonly executor: CallExecutor;
  close(): Promise<void>;
}

/** Puts together what running calls work with. */
export function createExecutor(options: ExecutorOptions): OpenExecutor {
  const { connection, catalog, record, metrics, settings, clock, logger, watcher } = options;
  const timeScale = settings.WEIR_TIME_SCALE;
  const timing = scaleTiming(timeScale);
  const egress = createEgress();
  const control = new WorkerControlServer({ connection, workerId: settings.WEIR_SERVICE_ID, timing });
  const outcomes = new OutcomePublisher(connection, settings.WEIR_REGION, clock, OUTCOMES_EVERY_MS * timeScale);
  const pools = new UpstreamPools(egress, timeScale, (error) => logger.error({ err: error }, 'closing connections'));
  const removeListener = catalog.onChange(() => pools.retain((id) => catalog.provider(id)));
  const bedrock = new BedrockAdapter();
  const executor = new CallExecutor(
    {
      connection,
      catalog,
      control,
      forwarder: new CallForwarder(connection),
      publisher: record.publisher,
      outcomes,
      pools,
      credentials: new ProviderCredentials((id) => catalog.credential(id), settings.WEIR_MASTER_KEY),
      adapters: {
        'openai-compatible': openAiCompatibleRequest,
        anthropic: anthropicRequest,
        bedrock: (input) => bedrock.request(input),
      },
      metrics,
      clock,
      logger,
      timing,
      timeScale,
    },
    watcher,
  );
  const close = async () => {
    removeListener();
    executor.close();
    outcomes.close();
    control.close();
    await egress.close();
  };
  return { executor, close };
}
