import type { PriceRecord } from '@weir/contracts';
import { AuditFault } from './audit-fault.js';
import type { AuditCounts } from './audit-report.js';
import { leafOfCells } from './dead-letter-reader.js';
import { hexHash } from './leaf-log.js';
import { LedgerCheck } from './ledger-check.js';
import type { StackAccess } from './stack-access.js';
import { unescapeCell } from './table-reader.js';

export interface BillingCheckOptions {
  readonly prices: ReadonlyMap<string, PriceRecord>;
  readonly counts: AuditCounts;
  readonly notes: string[];
  /** How long to wait, in milliseconds, for what billing is just writing. */
  readonly settleMs: number;
}

/** What is billing's alone: its ledger against the charges of the record, and its share of the dead letters. @throws AuditFault */
export async function checkBilling(access: StackAccess, options: BillingCheckOptions): Promise<void> {
  await new LedgerCheck(access, options).check();
  await checkLetters(access);
}

const LETTERS_PER_PAGE = 500;

/**
 * Every dead letter of billing is one that audit has logged for the same place of the stream, or holds an event of the log that the warehouse
 * refused. One that was put there or changed is neither.
 */
async function checkLetters({ warehouse }: StackAccess): Promise<void> {
  for (let after = 0; ; after += LETTERS_PER_PAGE) {
    const text = await warehouse.queryText(
      `SELECT reason, detail, stream, toUnixTimestamp64Milli(stream_created), stream_sequence, line, producer_id, epoch, sequence, digest, bytes, content
       FROM ${warehouse.database}.dead_letters WHERE sink = 'billing'
       ORDER BY stream, stream_created, stream_sequence, line, reason LIMIT ${LETTERS_PER_PAGE} OFFSET {after: UInt64}`,
      { after },
    );
    const letters = text
      .split('\n')
      .filter((line) => line !== '')
      .map(readLetter);
    if (letters.length === 0) return;
    const hashes = letters.flatMap(({ letter, content }) => [letter, content]);
    const rows = await warehouse.query<{ hash: string }>(
      `SELECT leaf_hash AS hash FROM ${warehouse.database}.log_leaves WHERE leaf_hash IN {hashes: Array(String)}`,
      { hashes },
    );
    const logged = new Set(rows.map(({ hash }) => hash));
    const strange = letters.find(({ letter, content }) => !logged.has(letter) && !logged.has(content));
    if (strange === undefined) continue;
    throw new AuditFault('row_without_leaf', "a dead letter of billing's stands for no leaf", {
      table: 'dead_letters',
      ...strange.place,
    });
  }
}

/** The hashes of the leaves a letter can stand for. */
function readLetter(line: string): { letter: string; content: string; place: Record<string, string> } {
  const cells = line.split('\t').map((cell) => (cell === '\\N' ? null : unescapeCell(cell)));
  const place = { stream: cells[2] ?? '', streamSequence: cells[4] ?? '', line: cells[5] ?? '' };
  return { letter: hexHash(leafOfCells(cells)), content: hexHash(cells[11] ?? ''), place };
}
