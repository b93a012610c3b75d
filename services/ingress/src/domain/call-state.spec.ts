import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { INITIAL_CALL, reduceCall, type CallCommand, type CallEvent, type CallState } from './call-state.js';

function run(...events: CallEvent[]): { state: CallState; commands: CallCommand[] } {
  let state = INITIAL_CALL;
  const commands: CallCommand[] = [];
  for (const event of events) {
    const transition = reduceCall(state, event);
    state = transition.state;
    commands.push(...transition.commands);
  }
  return { state, commands };
}

const EVENTS: readonly CallEvent[] = [
  'recorded',
  'record-failed',
  'acknowledged',
  'acknowledgement-overdue',
  'head',
  'end',
  'whole',
  'failed-upstream',
  'failed-here',
  'client-closed',
  'drain-overdue',
];
const ANSWERS: readonly CallCommand[] = ['send-head', 'send-whole', 'end-answer'];
const ENDINGS: readonly CallCommand[] = [
  'send-whole',
  'end-answer',
  'send-failure',
  'refuse-unrecorded',
  'refuse-unacknowledged',
  'refuse-draining',
];

describe('a call that goes well', () => {
  it('streams once it is acknowledged and is recorded when its last byte is out', () => {
    const { commands, state } = run('recorded', 'acknowledged', 'head', 'end', 'client-closed');
    expect(commands).toEqual(['start-call', 'send-head', 'end-answer', 'record-finished']);
    expect(state.phase).toBe('closed');
  });

  it('holds a stream back until JetStream has acknowledged that the call began', () => {
    expect(run('recorded', 'head').commands).toEqual(['start-call']);
    expect(run('recorded', 'head', 'acknowledged').commands).toEqual(['start-call', 'send-head']);
    expect(run('recorded', 'head', 'end', 'acknowledged').commands).toEqual(['start-call', 'send-head', 'end-answer']);
  });

  it('holds an answer in one piece back in the same way', () => {
    expect(run('recorded', 'whole').commands).toEqual(['start-call']);
    expect(run('recorded', 'whole', 'acknowledged').commands).toEqual(['start-call', 'send-whole']);
  });
});

describe('a call that fails', () => {
  it('does not leave the process when it cannot be written down', () => {
    expect(run('record-failed', 'acknowledged', 'client-closed').commands).toEqual(['refuse-unrecorded']);
  });

  it('answers with an error at once where no provider was reached', () => {
    expect(run('recorded', 'failed-here').commands).toEqual(['start-call', 'send-failure']);
  });

  it("holds back a provider's error like any other answer of it", () => {
    expect(run('recorded', 'failed-upstream').commands).toEqual(['start-call']);
    expect(run('recorded', 'failed-upstream', 'acknowledged').commands).toEqual(['start-call', 'send-failure']);
  });

  it('is stopped when its beginning is not acknowledged in time, and recorded when the worker has said what it cost', () => {
    const { commands } = run('recorded', 'head', 'acknowledgement-overdue', 'failed-upstream');
    expect(commands).toEqual(['start-call', 'refuse-unacknowledged', 'cancel-denied', 'record-finished']);
  });
});

describe('a client that leaves', () => {
  it('has its call cancelled at once and recorded at the last word of the worker', () => {
    expect(run('recorded', 'acknowledged', 'head', 'client-closed').commands).toEqual([
      'start-call',
      'send-head',
      'cancel-client-gone',
    ]);
    const all = run('recorded', 'acknowledged', 'head', 'client-closed', 'failed-upstream');
    expect(all.commands.at(-1)).toBe('record-finished');
  });

  it('has nothing sent upstream when it left while the call was being written down', () => {
    expect(run('client-closed', 'recorded').commands).toEqual(['record-finished']);
  });
});

describe('a process that shuts down', () => {
  it('ends a running stream with a typed error and stops its worker', () => {
    const { commands } = run('recorded', 'acknowledged', 'head', 'drain-overdue', 'failed-upstream', 'client-closed');
    expect(commands.slice(2)).toEqual(['refuse-draining', 'cancel-draining', 'record-finished']);
  });

  it('cuts off a client that does not read its last bytes', () => {
    const { commands } = run('recorded', 'acknowledged', 'head', 'end', 'drain-overdue', 'client-closed');
    expect(commands.slice(2)).toEqual(['end-answer', 'close-connection', 'record-finished']);
  });
});

describe('whatever happens in whatever order', () => {
  const sequences = fc.array(fc.constantFrom(...EVENTS), { maxLength: 14 });

  /** Commands of a sequence, each with the events up to it. */
  function trace(events: readonly CallEvent[]): { command: CallCommand; seen: readonly CallEvent[] }[] {
    let state = INITIAL_CALL;
    return events.flatMap((event, index) => {
      const transition = reduceCall(state, event);
      state = transition.state;
      return transition.commands.map((command) => ({ command, seen: events.slice(0, index + 1) }));
    });
  }

  it('gives nothing of an answer to the client before the acknowledgement', () => {
    fc.assert(
      fc.property(sequences, (events) => {
        for (const { command, seen } of trace(events)) {
          if (ANSWERS.includes(command)) expect(seen).toContain('acknowledged');
        }
      }),
    );
  });

  it('sends nothing upstream before the record, and nothing twice', () => {
    fc.assert(
      fc.property(sequences, (events) => {
        const starts = trace(events).filter(({ command }) => command === 'start-call');
        expect(starts.length).toBeLessThanOrEqual(1);
        for (const { seen } of starts) expect(seen).toContain('recorded');
      }),
    );
  });

  it('ends the answer at most once and begins none after it', () => {
    fc.assert(
      fc.property(sequences, (events) => {
        const commands = trace(events).map(({ command }) => command);
        const endings = commands.filter((command) => ENDINGS.includes(command));
        expect(endings.length).toBeLessThanOrEqual(1);
        const [ending] = endings;
        if (ending) expect(commands.slice(commands.indexOf(ending) + 1)).not.toContain('send-head');
      }),
    );
  });

  it('records every call that was written down exactly once, when client and worker are both done', () => {
    fc.assert(
      fc.property(sequences, (events) => {
        const all: CallEvent[] = [
          'recorded',
          ...events,
          'client-closed',
          'acknowledged',
          'failed-here',
          'client-closed',
        ];
        const { commands, state } = run(...all);
        expect(commands.filter((command) => command === 'record-finished')).toHaveLength(1);
        expect(state.phase).toBe('closed');
      }),
    );
  });

  it('never leaves a worker running for a client that needs nothing more', () => {
    fc.assert(
      fc.property(sequences, (events) => {
        const { commands } = run('recorded', ...events, 'client-closed');
        const hasLastWord = events.some((event) => ['end', 'whole', 'failed-upstream', 'failed-here'].includes(event));
        if (!hasLastWord) expect(commands.some((command) => command.startsWith('cancel-'))).toBe(true);
      }),
    );
  });
});
