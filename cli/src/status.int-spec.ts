import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { expect } from 'expect';
import { startInfrastructure, type RunningStack } from '@weir/testing';

const WEIR = fileURLToPath(new URL('../bin/weir.mjs', import.meta.url));

/** Runs the command as a person does. */
function weir(...commandArguments: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [WEIR, ...commandArguments], (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr });
    });
  });
}

describe('weir status', () => {
  let stack: RunningStack;

  before(async () => {
    stack = await startInfrastructure({ parts: ['nats', 'postgres', 'clickhouse'] });
  });

  after(() => stack.stop());

  it('shows what runs without one secret, and exits with 0', async () => {
    const { code, output } = await weir('status', '--home', stack.home);
    expect(code).toBe(0);
    expect(output).toMatch(/✓ clickhouse +ready/);
    expect(output).toContain('SIMULATED');
    const { clickhouse, postgres, nats, internal } = stack.connection;
    const secrets = [
      clickhouse.password,
      new URL(postgres.url).password,
      new URL(nats.url).password,
      internal.masterKey,
    ];
    for (const secret of secrets) expect(output).not.toContain(secret);
  });

  it('says what does not answer, and exits with 1', async () => {
    stack.kill('clickhouse', 'SIGSTOP');
    const { code, output } = await weir('status', '--home', stack.home);
    stack.kill('clickhouse', 'SIGCONT');
    expect(code).toBe(1);
    expect(output).toMatch(/✗ clickhouse +not answering/);
  });

  it('says that nothing was started there, and how to start it', async () => {
    const empty = mkdtempSync(join(tmpdir(), 'weir-empty-'));
    const { code, output } = await weir('status', '--home', empty);
    rmSync(empty, { recursive: true });
    expect(code).toBe(1);
    expect(output).toContain(`No stack has been started in ${empty}`);
    expect((await weir('stauts')).code).toBe(2);
  });
});
