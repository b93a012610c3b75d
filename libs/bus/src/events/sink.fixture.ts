import { SINKS, splitEventLine, type EventEnvelope, type Sink } from '@weir/contracts';
import type { BusConnection } from '../connection/bus-connection.js';
import { publishLanded } from '../health/messages.js';
import { openStreamReader, type StreamReader } from './stream-reader.js';

/** A sink that only remembers: it reads a stream and reports, for both sinks, what it has without a gap. */
export class RememberingSink {
  readonly events = new Map<string, EventEnvelope>();
  /** Events that arrived more than once. */
  repeats = 0;
  messages = 0;
  /** Set to keep reports back. */
  isSilent = false;
  sinks: readonly Sink[] = SINKS;
  private readonly landed = new Map<string, Set<number>>();
  private readonly abort = new AbortController();
  private running: Promise<void> | undefined;

  constructor(
    private readonly connection: BusConnection,
    private readonly stream: string,
    private readonly durable = 'audit',
  ) {}

  start(): this {
    this.running = this.run();
    return this;
  }

  async stop(): Promise<void> {
    this.abort.abort();
    await this.running;
  }

  /** Sequences of one epoch, in order. */
  sequences(producerId: string, epoch: number): number[] {
    return [...(this.landed.get(`${producerId} ${epoch}`) ?? [])].sort((a, b) => a - b);
  }

  reportThrough(producerId: string, epoch: number, through: number): void {
    for (const sink of this.sinks) publishLanded(this.connection, { sink, producerId, epoch, through });
  }

  private async run(): Promise<void> {
    let reader: StreamReader | undefined;
    while (!this.abort.signal.aborted) {
      try {
        reader ??= await openStreamReader({ connection: this.connection, stream: this.stream, durable: this.durable });
        for (const batch of await reader.fetch(50, 1_000, this.abort.signal)) {
          this.land(batch.payload);
          batch.ack();
        }
      } catch {
        // The broker or the stream is away, or the test is over.
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    await reader?.close();
  }

  private land(payload: Buffer): void {
    this.messages += 1;
    const touched = new Set<string>();
    for (const line of payload.toString('utf8').split('\n')) {
      if (line === '') continue;
      const event = JSON.parse(splitEventLine(line).leaf) as EventEnvelope;
      const key = `${event.producerId} ${event.epoch}`;
      const sequences = this.landed.get(key) ?? new Set();
      this.landed.set(key, sequences);
      if (sequences.has(event.sequence)) this.repeats += 1;
      sequences.add(event.sequence);
      this.events.set(`${key} ${event.sequence}`, event);
      touched.add(key);
    }
    if (!this.isSilent) for (const key of touched) this.report(key);
  }

  private report(key: string): void {
    const [producerId = '', epoch = '0'] = key.split(' ');
    const sequences = this.landed.get(key) ?? new Set();
    let through = 0;
    while (sequences.has(through + 1)) through += 1;
    this.reportThrough(producerId, Number(epoch), through);
  }
}
