import { randomBytes } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { generateSignerKey, parseSignerKey, type NoteSigner } from '@weir/translog';

/** The file of the log's keys cannot be used. */
class LogKeyFileError extends Error {
  override readonly name = 'LogKeyFileError';
}

/**
 * The log's keys, oldest first: one signer key a line, the last one signs. Makes the file with a first key where there is none, readable for
 * its owner alone. Read anew for each round of checkpoints, so that a line added to it takes effect without a restart.
 *
 * @throws LogKeyFileError where others may read it, or its keys are of several logs; NoteError where a line is no key.
 */
export function loadLogKeys(file: string): readonly NoteSigner[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    createKeyFile(file);
    text = readFileSync(file, 'utf8');
  }
  if ((statSync(file).mode & 0o077) !== 0)
    throw new LogKeyFileError(`${file} may be read by others: chmod 600 ${file}`);
  const keys = text
    .split('\n')
    .filter((line) => line !== '')
    .map(parseSignerKey);
  const [first] = keys;
  if (!first) throw new LogKeyFileError(`${file} holds no key`);
  if (keys.some(({ name }) => name !== first.name)) throw new LogKeyFileError(`${file} holds keys of several logs`);
  return keys;
}

/** Whole or not at all: of two processes that start at the same time one makes the key, and both use it. */
function createKeyFile(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  writeFileSync(draft, `${generateSignerKey(`weir.local/log/${randomBytes(8).toString('hex')}`)}\n`, { mode: 0o600 });
  chmodSync(draft, 0o600);
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft);
  }
}
