import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { LogKeyRotatedV1 } from '@weir/contracts';
import { generateSignerKey, parseSignerKey } from '@weir/translog';
import { UsageError } from '../command.js';
import { findConnection } from '../connection.js';
import { landEvent, openBus, producerOfDigest } from '../events/land-event.js';
import type { StackAccess } from './stack-access.js';

/**
 * States the rotation in the log itself, and when that has landed adds the key to the file that audit reads anew for each checkpoint. The old
 * key stays in it: it vouches for the new one. What is stated and then not done is harmless: that key never signs.
 */
export async function rotateKey({ store }: Pick<StackAccess, 'store'>, home: string): Promise<number> {
  const file = findConnection(home)?.internal?.logKeyFile;
  if (file === undefined || !existsSync(file)) throw new UsageError(`The stack in ${home} has no key of its log here.`);
  const current = parseSignerKey(readFileSync(file, 'utf8').trimEnd().split('\n').at(-1) ?? '');
  const secret = generateSignerKey(current.name);
  const { verifierKey } = parseSignerKey(secret);
  const bus = await openBus(home);
  try {
    const producerId = producerOfDigest(createHash('sha256').update(verifierKey).digest('hex'));
    const data = { oldKey: current.verifierKey, newKey: verifierKey };
    await landEvent({ store, bus }, { producerId, epoch: 1, definition: LogKeyRotatedV1, data });
  } finally {
    await bus.close();
  }
  appendFileSync(file, `${secret}\n`);
  console.log(
    'The log states it. Audit signs with this key from its next checkpoint on, the first time together with the old one:',
  );
  console.log(verifierKey);
  return 0;
}
