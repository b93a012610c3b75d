import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import { publishPresence, type BusConnection, type CallServer } from '@weir/bus';
import type { Catalog } from '@weir/catalog';
import { ExecuteCallV1, queueGroups, subjects } from '@weir/contracts';
import type { Logger } from '@weir/kit';
import { isProviderFull, isSaturated, type CapacityPolicy } from '../../domain/capacity.js';

/** How often a worker tells of itself, at scale 1. */
const PRESENCE_EVERY_MS = 1_000;
const LOOP_RESOLUTION_MS = 20;
/** Share of the newest measurement in the delay that is acted on. */
const LOOP_DELAY_WEIGHT = 0.3;

export interface IntakeOptions {
  readonly connection: BusConnection;
  readonly server: CallServer;
  readonly catalog: Catalog;
  readonly region: string;
  readonly workerId: string;
  readonly policy: CapacityPolicy;
  readonly timeScale: number;
  /** Whether attempts can be recorded: without a record nothing is sent. */
  readonly canRecord: () => boolean;
  readonly logger: Logger;
}

interface Intake {
  running: number;
  isFull: boolean;
}

/** The subject that a worker serves from its start, so that the transport has one before the catalog has been read. */
export const ownExecSubject = (region: string, workerId: string): string => subjects.exec(region, workerId);

/**
 * Which calls this worker takes: one subscription for each provider of the catalog, none for a provider whose connections are all in
 * use, none at all while the worker is saturated, drains or cannot record. The broker knows nothing of load, so whoever cannot work leaves
 * the queue group and tells the routers.
 */
export class WorkerIntake {
  private readonly providers = new Map<string, Intake>();
  private readonly loopDelay: IntervalHistogram;
  private timer: NodeJS.Timeout | undefined;
  private removeListener: (() => void) | undefined;
  private calls = 0;
  private bodyBytes = 0;
  private loopDelayMs = 0;
  private wasSaturated = false;
  private isDraining = false;

  constructor(private readonly options: IntakeOptions) {
    this.loopDelay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  }

  /** Begins to take calls. The handler of calls has to be in place by now. */
  start(): void {
    const { catalog, timeScale } = this.options;
    this.loopDelay.enable();
    this.timer = setInterval(() => this.tick(), PRESENCE_EVERY_MS * timeScale);
    this.removeListener = catalog.onChange(() => this.syncProviders());
    this.syncProviders();
  }

  opened(provider: string, bodyBytes: number): void {
    this.calls += 1;
    this.bodyBytes += bodyBytes;
    this.count(provider, 1);
    this.apply();
  }

  closed(provider: string, bodyBytes: number): void {
    this.calls -= 1;
    this.bodyBytes -= bodyBytes;
    this.count(provider, -1);
    this.apply();
  }

  /** Takes nothing more, for good. */
  drain(): void {
    this.isDraining = true;
    this.options.server.pause();
    this.announce();
  }

  close(): void {
    clearInterval(this.timer);
    this.loopDelay.disable();
    this.removeListener?.();
  }

  private get isAccepting(): boolean {
    return !this.isDraining && !this.wasSaturated && this.options.canRecord();
  }

  private tick(): void {
    // The sampler's own interval is part of what it measures.
    const measuredMs = Math.max(0, this.loopDelay.mean / 1e6 - LOOP_RESOLUTION_MS);
    this.loopDelay.reset();
    // One stutter of the machine is no load: only a delay that lasts saturates.
    if (Number.isFinite(measuredMs)) this.loopDelayMs += LOOP_DELAY_WEIGHT * (measuredMs - this.loopDelayMs);
    this.apply();
    this.announce();
  }

  private count(provider: string, change: number): void {
    const intake = this.providers.get(provider);
    if (intake) intake.running += change;
  }

  /** Joins and leaves queue groups as the load says; tells the routers where that changed anything. */
  private apply(): void {
    const { calls, bodyBytes, loopDelayMs, options } = this;
    const before = this.wasSaturated;
    this.wasSaturated = isSaturated(before, { calls, bodyBytes, loopDelayMs }, options.policy);
    let isChanged = before !== this.wasSaturated;
    for (const [provider, intake] of this.providers) {
      const connectionsMax = options.catalog.provider(provider)?.connectionsMax ?? 1;
      const isFull = isProviderFull(intake.isFull, intake.running, connectionsMax);
      isChanged ||= isFull !== intake.isFull;
      intake.isFull = isFull;
      this.follow(provider, isFull);
    }
    if (!isChanged) return;
    options.logger.warn(
      { calls, bodyBytes, loopDelayMs: Math.round(loopDelayMs), saturated: this.wasSaturated },
      'intake changed',
    );
    this.announce();
  }

  private follow(provider: string, isFull: boolean): void {
    const { server, region } = this.options;
    const subject = subjects.exec(region, provider);
    const shouldTake = this.isAccepting && !isFull;
    if (shouldTake === !server.isPaused(subject)) return;
    if (shouldTake) server.resume(subject);
    else server.pause(subject);
  }

  /** Serves every provider of the catalog and no other, from the moment the catalog says so. */
  private syncProviders(): void {
    const { catalog, server, region } = this.options;
    const wanted = new Set<string>();
    for (const record of catalog.entries()) if (record.kind === 'provider') wanted.add(record.id);
    let isChanged = false;
    for (const provider of wanted) {
      if (this.providers.has(provider)) continue;
      this.providers.set(provider, { running: 0, isFull: false });
      server.add({ definition: ExecuteCallV1, subject: subjects.exec(region, provider), queue: queueGroups.providers });
      isChanged = true;
    }
    for (const provider of [...this.providers.keys()]) {
      if (wanted.has(provider)) continue;
      this.providers.delete(provider);
      server.remove(subjects.exec(region, provider));
      isChanged = true;
    }
    if (!isChanged) return;
    this.apply();
    this.announce();
  }

  private announce(): void {
    const { connection, region, workerId } = this.options;
    const providers = [...this.providers].flatMap(([provider, intake]) => (intake.isFull ? [] : [provider]));
    publishPresence(connection, region, { workerId, providers, accepting: this.isAccepting });
  }
}
