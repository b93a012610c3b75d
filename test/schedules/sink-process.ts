import { PartitionLander, createLandingMetrics, type LandingSink } from '@weir/landing';
import { Registry, type Logger } from '@weir/kit';
import type { Sink } from '@weir/contracts';
import type { LockSession } from '@weir/store';
import type { SimulatedProcess } from './simulation.js';
import type { World } from './world.js';
import { PRICE } from './workload.js';

const metrics = createLandingMetrics(new Registry());
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined } as unknown as Logger;
const findPrice = () => PRICE;
const LOCK_WITHIN_MS = 60_000;

/** A process of audit or billing: its lander, and of billing the closer of hours. */
export class SinkProcess {
  readonly process: SimulatedProcess;

  constructor(
    private readonly world: World,
    readonly sink: Sink,
    readonly name: string,
  ) {
    this.process = world.simulation.process(name);
  }

  start(): this {
    this.world.simulation.plan(this.process, 0, 'start', () => this.lander().start());
    return this;
  }

  /** Closes hours, as the clock or an administrator has it done. A failure is tried again by whoever is next. */
  closeHours(isEarly: boolean, onDone: (isClosed: boolean) => void = () => undefined): void {
    this.world.simulation.plan(this.process, 0, 'close hours', () => void this.close(isEarly, onDone));
  }

  private async close(isEarly: boolean, onDone: (isClosed: boolean) => void): Promise<void> {
    const { code, postgres, warehouse, simulation } = this.world;
    const store = { url: '', schema: 'billing' };
    let session: LockSession | undefined;
    try {
      const giveUp = new AbortController();
      setTimeout(() => giveUp.abort(new Error('another holds the ledger')), LOCK_WITHIN_MS);
      session = await postgres.acquireLock({ ...store, name: 'weir:billing:ledger', signal: giveUp.signal });
      const reader = new code.ChargeReader(warehouse.asWarehouse());
      const closer = new code.Closer({ postgresUrl: '', reader, findPrice, graceMs: 60_000 });
      await closer.closeHours(session, 'a schedule', isEarly);
      simulation.note(`${this.name} has closed`);
      onDone(true);
    } catch (error) {
      simulation.note(`${this.name} could not close: ${String(error)}`);
      onDone(false);
    }
    await session?.close();
  }

  private lander(): PartitionLander {
    const { world } = this;
    const { code, broker, postgres, warehouse, plan } = world;
    const billing = (): LandingSink => code.createBillingSink({ findPrice, onUnpriced: () => undefined });
    return new PartitionLander({
      sink: this.sink === 'audit' ? code.auditSink : billing(),
      log: this.sink === 'audit' ? code.leafLog : undefined,
      ...{
        partition: 0,
        partitions: 1,
        connection: broker.connect(this.process),
        clock: Date,
        logger: silent,
        metrics,
      },
      store: { url: '', schema: this.sink },
      acquireLock: postgres.acquireLock,
      warehouse: warehouse.asWarehouse(),
      limits: {
        ...{ waitMs: 2_000, lookMs: 100, idleMs: 150, lingerMs: 1_200, lineBytesMax: 65_536 },
        ...{ eventsMax: plan.eventsMax, bytesMax: 1e6 },
      },
      failpoint: (step) => world.moment(`after ${step}`),
      timeScale: 1,
    });
  }
}
