import type { BusConnection, CallForwarder, EventPublisher, WorkerControlServer } from '@weir/bus';
import type { Catalog } from '@weir/catalog';
import type { Adapter, CallTiming } from '@weir/contracts';
import type { Clock, Logger } from '@weir/kit';
import type { OutcomePublisher } from '../bus/outcome-publisher.js';
import type { ProviderMetrics } from '../metrics.js';
import type { ProviderCredentials } from './provider-credentials.js';
import type { UpstreamAdapter } from './upstream-adapter.js';
import type { UpstreamPools } from './upstream-pools.js';

/** What every running call works with. */
export interface CallServices {
  readonly connection: BusConnection;
  readonly catalog: Catalog;
  readonly control: WorkerControlServer;
  readonly forwarder: CallForwarder;
  readonly publisher: EventPublisher;
  readonly outcomes: OutcomePublisher;
  readonly pools: UpstreamPools;
  readonly credentials: ProviderCredentials;
  readonly adapters: Readonly<Record<Adapter, UpstreamAdapter>>;
  readonly metrics: ProviderMetrics;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timing: CallTiming;
  readonly timeScale: number;
}
