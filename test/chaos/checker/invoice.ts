import { request } from 'undici';
import { pico } from '../../e2e/record-kit.js';

/** What the simulated provider bills for one attempt. */
export interface BilledAttempt {
  readonly attemptId: string;
  readonly isCompleted: boolean;
  readonly costPico: bigint;
  /** In the order of the record's columns: uncached, cache read, write 5m, write 1h, output, reasoning. */
  readonly buckets: readonly number[];
}

interface Line {
  readonly attemptId: string | null;
  readonly completed: boolean;
  readonly costUsd: string;
  readonly inputUncached: number;
  readonly inputCacheRead: number;
  readonly inputCacheWrite5m: number;
  readonly inputCacheWrite1h: number;
  readonly output: number;
  readonly reasoning: number;
  readonly endedAt: string;
}

/** Lines that ended in one millisecond may come in two readings. */
const OVERLAP_MS = 2_000;

/** The simulator's invoice as it grows. It keeps 100,000 lines and is read often enough to lose none. */
export class Invoice {
  private readonly lines = new Map<string, Line>();
  private lastMs = 0;
  /** Attempts billed twice, and lines that name none. */
  readonly strange: object[] = [];

  constructor(private readonly simulatorUrl: string) {}

  async read(): Promise<ReadonlyMap<string, BilledAttempt>> {
    const address = new URL('/invoice', this.simulatorUrl);
    address.searchParams.set('since', String(Math.max(0, this.lastMs - OVERLAP_MS)));
    const answer = await request(address);
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`the simulator says ${answer.statusCode}: ${text}`);
    for (const line of text.split('\n').filter((one) => one !== '')) this.add(JSON.parse(line) as Line);
    await this.refuseDropped();
    return new Map([...this.lines].map(([id, line]) => [id, mapToBilled(id, line)]));
  }

  private add(line: Line): void {
    this.lastMs = Math.max(this.lastMs, Date.parse(line.endedAt));
    const { attemptId } = line;
    const known = attemptId === null ? undefined : this.lines.get(attemptId);
    if (attemptId === null || (known && JSON.stringify(known) !== JSON.stringify(line))) this.strange.push(line);
    else this.lines.set(attemptId, line);
  }

  private async refuseDropped(): Promise<void> {
    const answer = await request(new URL('/stats', this.simulatorUrl));
    const { invoiceLinesDropped } = (await answer.body.json()) as { readonly invoiceLinesDropped: number };
    if (invoiceLinesDropped > this.lines.size) throw new Error('the simulator has dropped lines before they were read');
  }
}

const mapToBilled = (attemptId: string, line: Line): BilledAttempt => ({
  attemptId,
  isCompleted: line.completed,
  costPico: pico(line.costUsd),
  buckets: [
    line.inputUncached,
    line.inputCacheRead,
    line.inputCacheWrite5m,
    line.inputCacheWrite1h,
    line.output,
    line.reasoning,
  ],
});
