import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { servicePermissions } from '@weir/contracts';
import { expect } from 'expect';
import { startInfrastructure, type RunningStack } from '@weir/testing';

/** Sends these protocol lines as one user and returns what the server says up to the answer of our ping. */
function converse(port: number, user: string, password: string, lines: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let said = '';
    const login = JSON.stringify({ user, pass: password, verbose: false, pedantic: false, lang: 'test', version: '1' });
    socket.write([`CONNECT ${login}`, ...lines, 'PING', ''].join('\r\n'));
    socket.on('data', (data) => {
      said += data.toString();
      if (said.includes('PONG')) socket.end();
    });
    socket.once('error', reject);
    socket.once('close', () => resolve(said));
  });
}

describe('each service is a NATS user of its own', () => {
  let stack: RunningStack;
  let port: number;

  const as = (user: string, ...lines: string[]) =>
    converse(port, user, stack.connection.internal.natsUsers[user] ?? '', lines);

  before(async () => {
    stack = await startInfrastructure({ parts: ['nats'] });
    port = Number(new URL(stack.connection.nats.url).port);
  });

  after(() => stack.stop());

  it('and is let in with its password alone', async () => {
    for (const user of Object.keys(servicePermissions)) expect(await as(user)).toContain('PONG');
    expect(await converse(port, 'ingress', 'wrong', [])).toContain('Authorization Violation');
    expect(await converse(port, '', '', [])).toContain('Authorization Violation');
  });

  it('and hears and says only what its part of the work needs', async () => {
    const refused = [
      ['ingress', 'SUB $KV.credentials.> 1', 'Subscription'],
      ['ingress', 'SUB weir.v1.exec.> 1', 'Subscription'],
      ['ingress', 'SUB > 1', 'Subscription'],
      ['router', 'PUB weir.v1.events.0 0\r\n', 'Publish'],
      ['router', 'PUB $JS.API.STREAM.INFO.KV_credentials 0\r\n', 'Publish'],
      ['audit', 'PUB weir.v1.route.local 0\r\n', 'Publish'],
      ['audit', 'PUB $KV.catalog.k.x 0\r\n', 'Publish'],
      ['providers', 'PUB $KV.catalog.k.x 0\r\n', 'Publish'],
      ['control', 'PUB weir.v1.events.0 0\r\n', 'Publish'],
      ['billing', 'SUB weir.v1.inbox.> 1', 'Subscription'],
    ] as const;
    for (const [user, line, kind] of refused) {
      expect([user, line, await as(user, line)]).toEqual([
        user,
        line,
        expect.stringContaining(`Permissions Violation for ${kind}`),
      ]);
    }
    const allowed = [
      ['ingress', 'PUB weir.v1.route.local 0\r\n'],
      ['router', 'SUB weir.v1.route.local router 1'],
      ['providers', 'SUB weir.v1.exec.local.simulator providers 1'],
      ['audit', 'PUB $JS.API.STREAM.INFO.EVENTS_1 0\r\n'],
      ['control', 'PUB $KV.catalog.k.x 0\r\n'],
    ] as const;
    for (const [user, line] of allowed)
      expect([user, line, await as(user, line)]).toEqual([user, line, expect.not.stringContaining('Violation')]);
  });
});
