import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { LogFollower, findErrorMessage, readTail } from './log-file.js';

const folder = mkdtempSync(join(tmpdir(), 'weir-log-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('logs of children', () => {
  it('tell errors from the rest, in the words of services, NATS and Postgres', () => {
    expect(findErrorMessage('{"level":"error","msg":"journal full"}')).toBe('journal full');
    expect(findErrorMessage('{"level":50,"message":"refused"}')).toBe('refused');
    expect(findErrorMessage('{"level":"info","msg":"an error was handled"}')).toBeUndefined();
    expect(findErrorMessage('[7] 2026/11/22 [ERR] Slow consumer')).toBe('Slow consumer');
    expect(findErrorMessage('2026-11-22 UTC [7] FATAL:  data directory is in use')).toBe('data directory is in use');
    expect(findErrorMessage('2026-11-22 UTC [7] LOG:  ready')).toBeUndefined();
    expect(findErrorMessage('{"level":"error"')).toBeUndefined();
  });

  it('are followed line by line, each once, also when a line comes in two halves', () => {
    const file = join(folder, 'a.log');
    const seen: string[] = [];
    const follower = new LogFollower(file, (message) => seen.push(message));
    follower.poll();
    appendFileSync(file, '{"level":"error","msg":"é one"}\n{"level":"error",');
    follower.poll();
    follower.poll();
    appendFileSync(file, '"msg":"two"}\n');
    follower.poll();
    expect(seen).toEqual(['é one', 'two']);
    expect(readTail(file, 1)).toEqual(['{"level":"error","msg":"two"}']);
  });
});
