import { describe, expect, it } from '@jest/globals';
import type { Connection } from './connection.js';
import { mapToExitCode, renderStatus, type ProcessState } from './status-report.js';

const connection: Connection = {
  gateway: { url: 'http://127.0.0.1:8080' },
  clickhouse: { url: 'http://127.0.0.1:8082', user: 'reader', password: 'hidden-3', database: 'weir' },
  postgres: { url: 'postgres://weir:hidden-1@127.0.0.1:8085/weir' },
  nats: { url: 'nats://weir:hidden-2@127.0.0.1:8084' },
  services: {},
  isSimulated: true,
};
const ready: ProcessState = { name: 'ingress', pid: 7, state: 'ready', detail: '' };

describe('weir status', () => {
  it('shows where everything is and not one secret', () => {
    const page = renderStatus(connection, [ready]);
    expect(page).toContain('http://127.0.0.1:8080/v1');
    expect(page).toContain('postgres://127.0.0.1:8085/weir');
    expect(page).not.toMatch(/hidden/);
  });

  it('says that answers are simulated, and that they are not', () => {
    expect(renderStatus(connection, [ready])).toMatch(/SIMULATED/);
    expect(renderStatus({ ...connection, isSimulated: false }, [ready])).not.toMatch(/SIMULATED/);
  });

  it('exits with 1 when one process is not ready, and says why', () => {
    const broken: ProcessState = { name: 'audit', pid: 8, state: 'not ready', detail: 'clickhouse: refused' };
    expect(mapToExitCode([ready])).toBe(0);
    expect(mapToExitCode([ready, broken])).toBe(1);
    expect(renderStatus(connection, [ready, broken])).toMatch(/! audit {4}not ready +process 8 +clickhouse: refused/);
  });
});
