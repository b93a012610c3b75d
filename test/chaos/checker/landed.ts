import pg from 'pg';
import { EVENT_PARTITIONS, SINKS, eventStreamName } from '@weir/contracts';
import type { BusConnection } from '@weir/bus';
import { eventually, type Connection } from '@weir/testing';
import { query } from '../../e2e/record-kit.js';
import { countPending } from '../stream-access.js';
import type { JournalEnd } from './journals.js';

/** What is still missing; empty where everything that was journalled has landed, everywhere. */
export type Backlog = readonly string[];

interface Watermark {
  readonly producer_id: string;
  readonly epoch: string;
  readonly through: string;
  readonly above: readonly unknown[];
}

/** Asks Postgres how far each sink is, and the broker what it still holds for them. */
export class LandingWatch {
  constructor(
    private readonly connection: Connection,
    private readonly bus: BusConnection,
  ) {}

  /**
   * Waits until both sinks have landed what the journals held at `ends`. Returns the seconds from `since` (`performance.now()`) until then;
   * throws with what is missing when the time is up.
   */
  async catchUp(ends: readonly JournalEnd[], since: number, timeoutMs: number): Promise<number> {
    return this.waitFor(() => this.findUnlanded(ends), since, timeoutMs);
  }

  /** The same, and that nothing is pending in the streams, and that no call or attempt is open: for a stack without load. */
  async settle(ends: readonly JournalEnd[], since: number, timeoutMs: number): Promise<number> {
    return this.waitFor(
      async () => [...(await this.findUnlanded(ends)), ...(await this.findPending()), ...(await this.findOpen())],
      since,
      timeoutMs,
    );
  }

  private async waitFor(look: () => Promise<Backlog>, since: number, timeoutMs: number): Promise<number> {
    await eventually(
      async () => {
        const missing = await look();
        if (missing.length > 0) throw new Error(missing.slice(0, 8).join('; '));
      },
      { timeoutMs, everyMs: 250 },
    );
    return (performance.now() - since) / 1_000;
  }

  private async findUnlanded(ends: readonly JournalEnd[]): Promise<Backlog> {
    const client = new pg.Client({
      connectionString: this.connection.postgres.url,
      connectionTimeoutMillis: 5_000,
      query_timeout: 10_000,
    });
    // A connection that breaks fails the query that waits for it; without a listener it would end the process.
    client.on('error', () => undefined);
    await client.connect();
    try {
      const missing: string[] = [];
      for (const sink of SINKS) {
        const { rows } = await client.query<Watermark>(
          `SELECT producer_id, epoch, through, above FROM ${sink}.landing_watermarks`,
        );
        const marks = new Map(rows.map((row) => [`${row.producer_id}:${row.epoch}`, row]));
        for (const { producerId, epoch, lastSequence } of ends) {
          const through = Number(marks.get(`${producerId}:${epoch}`)?.through ?? 0);
          if (through < lastSequence)
            missing.push(`${sink} has ${through} of ${lastSequence} of ${producerId}:${epoch}`);
        }
        for (const row of rows)
          if (row.above.length > 0) missing.push(`${sink} has a gap in ${row.producer_id}:${row.epoch}`);
      }
      return missing;
    } finally {
      await client.end();
    }
  }

  private async findPending(): Promise<Backlog> {
    const pending: string[] = [];
    for (let partition = 0; partition < EVENT_PARTITIONS; partition++) {
      for (const sink of SINKS) {
        const stream = eventStreamName(partition);
        const waiting = await countPending(this.bus, stream, sink);
        if (waiting > 0) pending.push(`${stream} has ${waiting} messages for ${sink}`);
      }
    }
    return pending;
  }

  /** Calls and attempts that have begun and of which no end is recorded. */
  private async findOpen(): Promise<Backlog> {
    const rows = await query<{ kind: string; open: string }>(
      this.connection,
      `SELECT 'calls' AS kind, count() AS open FROM events
       WHERE type = 'call.started' AND call_id NOT IN (SELECT call_id FROM calls_landed)
       UNION ALL
       SELECT 'attempts' AS kind, count() AS open FROM events
       WHERE type = 'attempt.started'
         AND JSONExtractString(leaf, 'data', 'attemptId') NOT IN (SELECT toString(attempt_id) FROM attempts_landed)`,
    );
    return rows.filter((row) => row.open !== '0').map((row) => `${row.open} ${row.kind} are open`);
  }
}
