import type { EventEnvelope } from '@weir/contracts';
import { splitEventLine } from '@weir/contracts';
import type { SimulatedWarehouse } from './simulated-warehouse.js';
import type { Row, SimulatedPostgres } from './simulated-postgres.js';
import { InvariantError, type Simulation } from './simulation.js';

/** An event that some journal holds or held. */
export interface WrittenEvent {
  readonly envelope: EventEnvelope;
  readonly leaf: string;
  /** `producer:epoch:sequence`. */
  readonly origin: string;
}

const CARRIED = '+';
const NUMBERED = /"producerId":"([^"]+)","epoch":(\d+),"sequence":(\d+)/;

/** The origins of a message's or a segment's lines; without those that only repeat an opening event. */
function originsOf(bytes: Buffer): string[] {
  return bytes
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith(CARRIED))
    .map((line) => NUMBERED.exec(line)?.slice(1).join(':') ?? '');
}

/**
 * Knows every event that was ever written to a journal, and looks at each step that gives one up: a sink's acknowledgement, the deletion
 * of a segment. Whoever gives up an event that has not landed has lost it, whether or not anybody makes up for it.
 */
export class RecordWatch {
  readonly written = new Map<string, WrittenEvent>();

  constructor(
    private readonly simulation: Simulation,
    private readonly warehouse: SimulatedWarehouse,
    private readonly postgres: SimulatedPostgres,
  ) {}

  /** An event is in a journal's file. */
  onWritten(bytes: Buffer): void {
    for (const line of bytes.toString('utf8').split('\n')) {
      if (line === '' || line.startsWith(CARRIED)) continue;
      const { leaf } = splitEventLine(line);
      const envelope = JSON.parse(leaf) as EventEnvelope;
      const origin = `${envelope.producerId}:${envelope.epoch}:${envelope.sequence}`;
      if (this.written.has(origin)) throw new InvariantError('no sequence is given twice', origin);
      this.written.set(origin, { envelope, leaf, origin });
    }
  }

  /** A journal gives up what these lines hold. */
  onDeleted(bytes: Buffer): void {
    for (const sink of ['audit', 'billing'])
      this.demandLanded(sink, originsOf(bytes), 'a producer releases nothing that a sink has not landed');
  }

  /** A sink gives up its claim to have this message again. */
  onAcknowledged(sink: string, payload: Buffer): void {
    this.demandLanded(sink, originsOf(payload), 'a sink acknowledges nothing that it has not landed');
  }

  /** Whether a sink has the event: as its watermark tells and, for what has rows, as its tables do. */
  hasLanded(sink: string, origin: string): boolean {
    const at = origin.lastIndexOf(':');
    const mark = this.postgres.table(`${sink}.watermarks`).get(origin.slice(0, at));
    if (!covers(mark, Number(origin.slice(at + 1)))) return false;
    return sink !== 'audit' || this.warehouse.table('events').view.has(origin);
  }

  /** What a sink has not landed yet. */
  missing(sink: string): string[] {
    return [...this.written.keys()].filter((origin) => !this.hasLanded(sink, origin));
  }

  private demandLanded(sink: string, origins: readonly string[], invariant: string): void {
    const lost = origins.find((origin) => !this.hasLanded(sink, origin));
    if (lost !== undefined) this.simulation.fail(new InvariantError(invariant, `${sink} lacks ${lost}`));
  }
}

function covers(mark: Row | undefined, sequence: number): boolean {
  if (!mark) return false;
  const above = mark['above'] as readonly (readonly [number, number])[];
  return sequence <= Number(mark['through']) || above.some(([first, last]) => sequence >= first && sequence <= last);
}
