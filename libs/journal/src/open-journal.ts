import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { EventEnvelope } from '@weir/contracts';
import { findEvent, findSequence, isCarried, splitLines } from './event-line.js';
import { FileJournal, type OpenedFolder } from './file-journal.js';
import { folderDisk, type JournalDisk } from './journal-disk.js';
import { JournalLedger, type LedgerLine } from './journal-ledger.js';
import { lockFolder } from './journal-lock.js';
import { JournalLockedError, type JournalOptions } from './journal-options.js';
import type { Journal } from './journal.js';
import { findFile } from './segment-files.js';

const PRODUCER_FILE = 'producer.json';
const EPOCH_FILE = 'epoch';

/**
 * Opens a folder as its only owner, in a new epoch: passes over a torn tail, appends `producer.alive` (stating where the epoch before
 * ended), then what `closeOpen` returns. Throws `JournalLockedError` when a live process holds it, and the system's error where
 * the folder cannot be written.
 */
export function openJournal(options: JournalOptions): Promise<Journal> {
  return openJournalOn(folderDisk(options.folder), options);
}

/** The same on any disk. */
export async function openJournalOn(disk: JournalDisk, options: JournalOptions): Promise<Journal> {
  await disk.create();
  const lock = await disk.lock();
  let journal: FileJournal | undefined;
  try {
    const opened = await recover(disk, options, lock);
    journal = new FileJournal(opened);
    await appendOpening(journal, opened);
    return journal;
  } catch (error) {
    await journal?.abandon();
    await lock.release();
    throw error;
  }
}

const SPARES_MAX = 100;
/** Tries at one's own folder: a look for orphans holds it for an instant, an owner that is just ending for longer. */
const OWN_TRIES = 3;
const OWN_RETRY_MS = 100;

/**
 * Opens `parentFolder/instance`, or, where another process holds that folder (an adopter, or an owner that is still draining), a
 * folder beside it: a service must not wait for another to end. Who then comes last adopts the other.
 */
export async function openInstanceJournal(
  parentFolder: string,
  options: Omit<JournalOptions, 'folder'>,
): Promise<Journal> {
  for (let attempt = 0; ; attempt++) {
    const spare = Math.max(0, attempt - OWN_TRIES + 1);
    const name = spare === 0 ? options.instance : `${options.instance}.${spare}`;
    try {
      return await openJournal({ ...options, folder: join(parentFolder, name) });
    } catch (error) {
      if (!(error instanceof JournalLockedError) || spare === SPARES_MAX) throw error;
    }
    if (spare === 0) await new Promise((resolve) => setTimeout(resolve, OWN_RETRY_MS));
  }
}

/** Folders under `parentFolder` that hold a journal of `service` which no live process holds. One's own is locked, so never among them. */
export async function findOrphans(parentFolder: string, service: string): Promise<string[]> {
  const orphans: string[] = [];
  for (const entry of await readdir(parentFolder, { withFileTypes: true })) {
    const folder = join(parentFolder, entry.name);
    if (!entry.isDirectory() || parseProducer(await findFile(folder, PRODUCER_FILE))?.service !== service) continue;
    if (await isUnlocked(folder)) orphans.push(folder);
  }
  return orphans;
}

async function isUnlocked(folder: string): Promise<boolean> {
  try {
    await (await lockFolder(folder)).release();
    return true;
  } catch (error) {
    if (error instanceof JournalLockedError) return false;
    throw error;
  }
}

interface Producer {
  readonly producerId: string;
  readonly service: string;
}

const parseProducer = (text: string | undefined): Producer | undefined =>
  text === undefined ? undefined : (JSON.parse(text) as Producer);

async function ensureProducer(disk: JournalDisk, { service }: JournalOptions): Promise<Producer> {
  const existing = parseProducer(await disk.findFile(PRODUCER_FILE));
  if (existing !== undefined) return existing;
  const producer = { producerId: randomUUID(), service };
  await disk.replaceFile(PRODUCER_FILE, JSON.stringify(producer));
  return producer;
}

async function recover(disk: JournalDisk, options: JournalOptions, lock: OpenedFolder['lock']): Promise<OpenedFolder> {
  const { producerId } = await ensureProducer(disk, options);
  const ledger = new JournalLedger();
  for (const { epoch, first } of await disk.listSegments()) {
    const bytes = (await disk.findSegment(epoch, first)) ?? Buffer.alloc(0);
    recoverSegment(options, ledger, { epoch, first, bytes });
  }
  const lastEpoch = Math.max(Number((await disk.findFile(EPOCH_FILE)) ?? 0), ledger.current?.epoch ?? 0);
  const epoch = lastEpoch + 1;
  await disk.replaceFile(EPOCH_FILE, String(epoch));
  return { options, disk, lock, ledger, producerId, epoch, previous: ledger.endBefore(epoch) };
}

function recoverSegment(
  options: JournalOptions,
  ledger: JournalLedger,
  { epoch, first, bytes }: { readonly epoch: number; readonly first: number; readonly bytes: Buffer },
): void {
  const segment = ledger.addSegment(epoch, first);
  for (const line of splitLines(bytes)) {
    const event = findEvent(line);
    if (event === undefined) {
      options.onError(new Error(`a line that cannot be read in ${options.folder}, epoch ${epoch}, segment ${first}`));
      continue;
    }
    if (isCarried(line)) {
      const key = options.opens(event);
      if (key === undefined) continue;
      ledger.carried({ segment, key, line: line.subarray(1), bytes: line.length + 1, isRecovery: true });
    } else {
      ledger.written(segment, [mapEventToLine(options, event, line)], line.length + 1);
    }
  }
}

function mapEventToLine(options: JournalOptions, event: EventEnvelope, line: Buffer): LedgerLine {
  const sequence = findSequence(line) ?? event.sequence;
  return { sequence, line, opens: options.opens(event), closes: options.closes(event) };
}

/** What a new epoch begins with. Throws where it cannot be written: a journal that cannot say it began is of no use. */
async function appendOpening(journal: FileJournal, { options, ledger }: OpenedFolder): Promise<void> {
  const open = ledger.openLines().map(findEvent);
  const written: Promise<void>[] = [];
  const track = (append: (written: (error: Error | undefined) => void) => void) =>
    written.push(
      new Promise((resolve, reject) => append((error) => (error === undefined ? resolve() : reject(error)))),
    );
  track((callback) => journal.appendAlive(callback));
  for (const draft of options.closeOpen(open.filter((event) => event !== undefined))) {
    track((callback) => journal.append(draft, callback));
  }
  journal.flush();
  await Promise.all(written);
  await journal.sync();
}
