import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { EventEnvelope } from './event.js';
import { EVENTS, findEventDefinition } from './events/catalogue.js';

const folder = join(__dirname, 'golden');
const files = readdirSync(folder);

/** Payloads that were published once. They are never edited: a change that does not read them needs a new version. */
describe('golden payloads', () => {
  it.each(files)('%s is read today as it was written', (file) => {
    const golden = JSON.parse(readFileSync(join(folder, file), 'utf8')) as unknown;
    const envelope = EventEnvelope.parse(golden);
    const definition = findEventDefinition(envelope.type, envelope.version);
    if (!definition) throw new Error(`${envelope.type} version ${envelope.version} is no longer known`);
    expect({ ...envelope, data: definition.data.parse(envelope.data) }).toEqual(golden);
  });

  it('exist for every version of every event', () => {
    const expected = EVENTS.map(({ type, version }) => `${type}.v${version}.json`);
    expect([...files].sort()).toEqual(expected.sort());
  });
});
