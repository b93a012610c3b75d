import { openJournal } from './open-journal.js';
import { finished, journalOptions, started } from './journal.fixture.js';

/**
 * A process that starts and finishes calls under a limit of its files' size, says `full` when the journal can no longer be
 * written and `writable` when it can again, and at the end of stdin how many starts were refused and how many ends were written.
 */
const [folder = ''] = process.argv.slice(2);
const journal = await openJournal(journalOptions(folder, { onError: () => undefined }));
let call = 0;
let refused = 0;
let kept = 0;
let wasFull = false;

const timer = setInterval(() => {
  const callId = String(call++);
  journal.append(started(callId, 'x'.repeat(300)), (error) => {
    if (error !== undefined) refused += 1;
    else journal.append(finished(callId, 'x'.repeat(300)), (failure) => (kept += failure === undefined ? 1 : 0));
  });
  const { writable } = journal.state();
  if (!writable && !wasFull) process.stdout.write('full\n');
  if (writable && wasFull && call % 20 === 0) process.stdout.write('writable\n');
  wasFull ||= !writable;
}, 2);

process.stdin.resume().once('end', () => {
  clearInterval(timer);
  setTimeout(() => {
    void journal.close().then(() => process.stdout.write(`${JSON.stringify({ refused, kept })}\n`));
  }, 100);
});
