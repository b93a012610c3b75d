import { describe, expect, it } from '@jest/globals';
import { Admission } from './admission.js';

/** A job that runs until told to end. */
function makeJob(): { run: () => Promise<void>; end: () => void; hasStarted: () => boolean } {
  let end: () => void = () => undefined;
  let hasStarted = false;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const run = () => {
    hasStarted = true;
    return ended;
  };
  return { run, end: () => end(), hasStarted: () => hasStarted };
}

const never = new AbortController().signal;
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('Admission', () => {
  it('runs so many at once, the rest in order of arrival, and refuses what is too many', async () => {
    const admission = new Admission('readers', 1, 1);
    const [first, second] = [makeJob(), makeJob()];
    const running = admission.run(never, first.run);
    const waiting = admission.run(never, second.run);
    await expect(admission.run(never, makeJob().run)).rejects.toMatchObject({ code: 202, status: 503 });
    expect(second.hasStarted()).toBe(false);
    first.end();
    await running;
    await turn();
    expect(second.hasStarted()).toBe(true);
    second.end();
    await waiting;
    await admission.drained();
  });

  it('lets go of one that gave up waiting, and never starts it', async () => {
    const admission = new Admission('readers', 1, 1);
    const [first, second, third] = [makeJob(), makeJob(), makeJob()];
    const gone = new AbortController();
    const running = admission.run(never, first.run);
    const givenUp = admission.run(gone.signal, second.run);
    gone.abort(new Error('gone'));
    await expect(givenUp).rejects.toThrow('gone');
    const waiting = admission.run(never, third.run);
    first.end();
    third.end();
    await Promise.all([running, waiting]);
    expect(second.hasStarted()).toBe(false);
  });

  it('frees its place when a job fails', async () => {
    const admission = new Admission('the writer', 1, 0);
    await expect(admission.run(never, () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
    await expect(admission.run(never, () => Promise.resolve(1))).resolves.toBe(1);
  });
});
