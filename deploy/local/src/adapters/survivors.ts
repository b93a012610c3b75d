import type { Home } from './home.js';
import { isAlive, signalProcess } from './process-identity.js';
import { findSurvivors, readRunRecord, type RecordedProcess } from './run-record.js';
import { waitUntil } from './waiting.js';
import { FIRST_PART_PHASE } from '../domain/phases.js';
import { StartFault } from '../settings.js';

/** A service whose supervisor is gone drains by itself for at most this long. */
const DRAIN_MS = 36_000;
const PART_STOP_MS = 10_000;
const KILL_MS = 5_000;

/**
 * Ends what the last run of this home left behind, lowest phase first: services have begun to drain when their channel closed and
 * are waited for, so a client's stream is not cut; the databases go last. Throws StartFault where that run is still in use.
 */
export async function endLastRun(home: Home, say: (line: string) => void): Promise<void> {
  const record = readRunRecord(home);
  if (record === undefined) return;
  const { supervisor, launcher } = record;
  if (supervisor !== undefined && isAlive(supervisor)) {
    if (launcher !== undefined && isAlive(launcher)) {
      throw new StartFault(
        `Weir already runs in ${home.directory} (process ${launcher.pid}).`,
        'Stop it (Ctrl-C there), or start a second one beside it: npm start -- --port 9080 --home DIR.',
      );
    }
    say('the last run is still draining; waiting for it …');
    const isGone = await waitUntil(() => !isAlive(supervisor), { timeoutMs: DRAIN_MS + 4 * PART_STOP_MS });
    if (!isGone) signalProcess(supervisor, 'SIGKILL');
  }
  await endSurvivors(findSurvivors(record), say);
}

/** Ends these processes in the order of their phases. Every wait is bounded; what outlasts it is killed. */
export async function endSurvivors(survivors: readonly RecordedProcess[], say: (line: string) => void): Promise<void> {
  if (survivors.length === 0) return;
  say(`ending what the last run left behind: ${survivors.map((one) => `${one.name} (${one.pid})`).join(', ')}`);
  const phases = [...new Set(survivors.map((one) => one.phase))].sort((a, b) => a - b);
  for (const phase of phases) {
    await Promise.all(survivors.filter((one) => one.phase === phase).map((one) => endOne(one, say)));
  }
}

async function endOne(survivor: RecordedProcess, say: (line: string) => void): Promise<void> {
  if (!signalProcess(survivor, survivor.stopSignal)) return;
  const timeoutMs = survivor.phase < FIRST_PART_PHASE ? DRAIN_MS : PART_STOP_MS;
  if (await waitUntil(() => !isAlive(survivor), { timeoutMs })) return;
  say(`${survivor.name} (${survivor.pid}) did not end within ${timeoutMs / 1000} s: killed`);
  signalProcess(survivor, 'SIGKILL');
  await waitUntil(() => !isAlive(survivor), { timeoutMs: KILL_MS });
}
