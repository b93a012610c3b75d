import { EventPublisher, adoptOrphans, type BusConnection } from '@weir/bus';
import { JournalLockedError, openJournalOn, type Journal, type JournalOptions } from '@weir/journal';
import type { World } from './world.js';
import type { SimulatedProcess } from './simulation.js';
import { closeOpen, closes, endOfAttempt, endOfCall, opens, startOfCall, type PlannedCall } from './workload.js';

const PARENT = 'journals';
/** Small, so that segments are given up while a schedule runs. */
const SEGMENT_BYTES = 3_000;
const RETRY_MS = 700;
/** Slower than in production by this much: what a producer does every 100 ms is most of what a schedule would compute. */
const PRODUCER_TIME_SCALE = 4;

/** A process that records events, and adopts what others of its kind have left: the journal, the publisher and the adopter of production. */
export class ProducerProcess {
  readonly process: SimulatedProcess;
  private publisher: EventPublisher | undefined;
  private journal: Journal | undefined;

  constructor(
    private readonly world: World,
    readonly name: string,
  ) {
    this.process = world.simulation.process(name);
  }

  start(): this {
    this.world.simulation.plan(this.process, 0, 'start', () => void this.boot());
    return this;
  }

  /** Records the beginning of a call, and later its end. */
  call(call: PlannedCall, endsAfterMs: number): void {
    const { publisher } = this;
    if (!publisher) return;
    let hasBegun = true;
    const onWritten = (error: Error | undefined): void => {
      // What the journal refuses has not begun: nothing is sent upstream.
      if (error) hasBegun = false;
    };
    for (const draft of startOfCall(call)) publisher.append(draft, { urgent: true, onWritten });
    if (!Number.isFinite(endsAfterMs)) return;
    this.world.simulation.plan(this.process, endsAfterMs, 'end of call', () => {
      if (!hasBegun) return;
      publisher.append(endOfAttempt(call));
      publisher.append(endOfCall(call));
    });
  }

  lateEnd(call: PlannedCall): void {
    this.publisher?.append(endOfAttempt(call));
  }

  /** Whether everything it has written is released. */
  get isDone(): boolean {
    return this.journal?.unreleased().length === 0;
  }

  private async boot(): Promise<void> {
    const { world, process } = this;
    const connection = world.broker.connect(process);
    const journal = await this.openOwn();
    this.journal = journal;
    const options = { connection, partitions: 1, timeScale: PRODUCER_TIME_SCALE };
    const publisher = new EventPublisher({ ...options, journal, onError: () => undefined });
    publisher.start();
    this.publisher = publisher;
    this.adopt(connection);
  }

  private adopt(connection: BusConnection): void {
    const { disks } = this.world;
    adoptOrphans({
      ...{ connection, partitions: 1, parentFolder: PARENT, timeScale: PRODUCER_TIME_SCALE, everyMs: 1_000 },
      journal: this.options(),
      folders: {
        findOrphans: disks.findOrphans,
        openJournal: (options) => openJournalOn(disks.disk(options.folder), options),
      },
    });
  }

  /** As a service does: its own folder, or a spare one while another holds that; again while the disk is full. */
  private async openOwn(): Promise<Journal> {
    for (let spare = 0; ;) {
      const folder = `${PARENT}/${this.name}${spare === 0 ? '' : `.${spare}`}`;
      try {
        return await openJournalOn(this.world.disks.disk(folder), { ...this.options(), folder });
      } catch (error) {
        if (error instanceof JournalLockedError) spare += 1;
        // eslint-disable-next-line no-restricted-syntax -- virtual time: this waits for nothing real
        else await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  private options(): Omit<JournalOptions, 'folder'> {
    return {
      ...{ service: 'ingress', instance: this.name, clock: Date, highWaterBytes: 1e6, segmentBytes: SEGMENT_BYTES },
      ...{ fsyncEveryMs: 2_000, closeOpen, opens, closes, onError: () => undefined },
    };
  }
}
