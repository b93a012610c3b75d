/** A fault put into production's code, which the schedules have to find. */
export interface Mutant {
  readonly name: string;
  /** Source file, from the repository's root. */
  readonly file: string;
  /** Text of the source, there exactly once, and what takes its place. */
  readonly text: string;
  readonly replacement: string;
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'early acknowledgement',
    file: 'libs/landing/src/partition-lander.ts',
    text: 'const landed = await tenure.land(messages, looksFirst);',
    replacement:
      'for (const message of messages) message.ack();\nconst landed = await tenure.land(messages, looksFirst);',
  },
  {
    name: 'early release by the producer',
    file: 'libs/bus/src/events/event-publisher.ts',
    text: 'if (batch.epoch === this.options.journal.epoch) this.waiters.acknowledge(batch);',
    replacement:
      'this.options.journal.release(batch.epoch, batch.last);\nif (batch.epoch === this.options.journal.epoch) this.waiters.acknowledge(batch);',
  },
  {
    name: 'no fence',
    file: 'libs/landing/src/fence.ts',
    text: 'const { session, timing } = this.options;',
    replacement: 'if (this.epoch > 0) return;\nconst { session, timing } = this.options;',
  },
  {
    name: 'a new token on repetition',
    file: 'libs/landing/src/write-tables.ts',
    text: 'const token = insertToken(sink, rows, { start, end });',
    replacement: 'const token = `${insertToken(sink, rows, { start, end })}:${performance.now()}`;',
  },
  {
    name: 'no watermark',
    file: 'libs/landing/src/prepare-batch.ts',
    text: 'const known = countLanded(before, [run.first, run.last]);',
    replacement: 'const known = 0 * countLanded(before, [run.first, run.last]);',
  },
  {
    name: 'double settlement',
    file: 'services/billing/src/domain/ledger.ts',
    text: 'const amountBefore = before?.amountPico ?? 0n;',
    replacement: 'const amountBefore = 0n * (before?.amountPico ?? 0n);',
  },
  {
    name: 'a lost tail',
    file: 'libs/journal/src/journal-ledger.ts',
    text: 'if (from > last) continue;',
    replacement: 'if (from >= last) continue;',
  },
  {
    name: 'positions given twice',
    file: 'libs/landing/src/tenure.ts',
    text: 'if (!messages || !this.hold(messages, intent.runs)) return undefined;',
    replacement: 'if (!messages) return undefined;',
  },
];

/**
 * The source with its fault.
 *
 * @throws Error where the text is not there exactly once: the code has changed, and the mutant with it has to.
 */
export function applyMutant({ name, file, text, replacement }: Mutant, source: string): string {
  const times = source.split(text).length - 1;
  if (times !== 1) throw new Error(`mutant "${name}": its text is ${times} times in ${file}, not once`);
  return source.replace(text, () => replacement);
}
