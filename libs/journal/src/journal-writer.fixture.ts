import { openJournal } from './open-journal.js';
import { finished, journalOptions, started } from './journal.fixture.js';

/**
 * A process that appends without end and says on stdout what is written, one sequence a line, until it is killed.
 * Arguments: folder, bytes of a segment.
 */
const [folder = '', segmentBytes = '65536'] = process.argv.slice(2);
const journal = await openJournal(journalOptions(folder, { segmentBytes: Number(segmentBytes) }));
process.stdout.write(`epoch ${journal.epoch}\n`);

let call = 0;
function appendTurn(): void {
  for (let i = 0; i < 5; i++) {
    const callId = `${journal.epoch}-${call++}`;
    const report = (_error: Error | undefined, event?: { sequence: number }) => {
      if (event !== undefined) process.stdout.write(`${event.sequence}\n`);
    };
    journal.append(started(callId, 'x'.repeat(200)), report);
    if (call % 3 === 0) journal.append(finished(callId), report);
  }
  setImmediate(appendTurn);
}
appendTurn();
