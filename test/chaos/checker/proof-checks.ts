import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@weir/testing';
import type { ChaosStack } from '../chaos-stack.js';
import { query } from '../../e2e/record-kit.js';
import type { Random } from '../random.js';
import { findingOf, type Finding } from './finding.js';
import { runWeir } from './weir-command.js';

const SAMPLES = 5;
/** Checkpoints come at least once a minute. */
const CHECKPOINT_WITHIN_MS = 75_000;
const ASK_EVERY_MS = 5_000;

/** Proves events at random, and checks each proof with nothing but the public key. */
export async function checkProofs({ stack }: ChaosStack, random: Random): Promise<Finding[]> {
  const { home } = stack;
  const folder = mkdtempSync(join(tmpdir(), 'weir-proofs-'));
  const faults: object[] = [];
  try {
    const key = (await runWeir(home, ['audit', 'keys'])).output.trim().split('\n').at(-1) ?? '';
    const [total] = await query<{ leaves: string }>(
      stack.readConnection(),
      "SELECT count() AS leaves FROM log_leaves WHERE kind = 'event'",
    );
    const leaves = Number(total?.leaves ?? 0);
    for (let sample = 0; sample < SAMPLES; sample++) {
      const eventId = await readEventId(stack.readConnection(), random.between(0, leaves - 1));
      const file = join(folder, `${eventId}.proof`);
      const proved = await prove(home, eventId, file);
      const checked = await runWeir(home, ['audit', 'check-proof', file, '--key', key]);
      if (proved.code !== 0 || checked.code !== 0) faults.push({ eventId, proved, checked });
    }
    console.log(`weir audit prove and check-proof: ${SAMPLES - faults.length} of ${SAMPLES} sampled events`);
  } finally {
    rmSync(folder, { recursive: true });
  }
  return findingOf('proofs: an event that is in the log cannot be proved', faults);
}

/** The youngest events are proved once a checkpoint covers them. What the last attempt printed, also where that never came. */
async function prove(home: string, eventId: string, file: string): ReturnType<typeof runWeir> {
  let proved = await runWeir(home, ['audit', 'prove', eventId, '--out', file]);
  const isProved = async (): Promise<void> => {
    if (proved.code !== 0) proved = await runWeir(home, ['audit', 'prove', eventId, '--out', file]);
    if (proved.code !== 0) throw new Error(proved.output);
  };
  try {
    await eventually(isProved, { timeoutMs: CHECKPOINT_WITHIN_MS, everyMs: ASK_EVERY_MS });
  } catch (error) {
    console.log(`not proved: ${error instanceof Error ? error.message : String(error)}`);
  }
  return proved;
}

async function readEventId(connection: Parameters<typeof query>[0], offset: number): Promise<string> {
  const [leaf] = await query<{ event_id: string }>(
    connection,
    `SELECT event_id FROM log_leaves WHERE kind = 'event' ORDER BY partition, leaf_index LIMIT 1 OFFSET ${offset}`,
  );
  if (!leaf) throw new Error(`there is no leaf ${offset}`);
  return leaf.event_id;
}
