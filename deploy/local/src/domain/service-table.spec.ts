import { describe, expect, it } from '@jest/globals';
import { planPorts, PORTS_PER_STACK, SERVICE_NAMES } from './parts.js';
import { SERVICE_TABLE, buildServiceEnvironment, type StackFacts } from './service-table.js';
import { completeSecrets } from './secrets.js';

const facts: StackFacts = {
  ports: planPorts(8080),
  secrets: completeSecrets({}, () => 'sk-weir-key'),
  natsUrl: 'nats://127.0.0.1:8084',
  postgresUrl: 'postgres://127.0.0.1:8085/weir',
  clickhouse: { url: 'http://127.0.0.1:8082', user: 'weir', database: 'weir' },
  simulatorUrl: 'http://127.0.0.1:8083',
  configurationFile: '/home/weir.yaml',
  journals: '/home/journals',
  logKeyFile: '/home/log-key',
  checkpoints: '/home/checkpoints',
};

describe('the service table', () => {
  it('has each service once, each with a health port of its own within the stack', () => {
    expect(SERVICE_TABLE.map((entry) => entry.name).sort()).toEqual([...SERVICE_NAMES].sort());
    const { gateway, health, ...parts } = facts.ports;
    const ports = [gateway, ...Object.values(parts), ...SERVICE_TABLE.map((entry) => health + entry.slot)];
    expect(new Set(ports).size).toBe(ports.length);
    expect(Math.max(...ports)).toBeLessThan(gateway + PORTS_PER_STACK);
  });

  it('starts control before the rest and drains ingress before all', () => {
    const control = SERVICE_TABLE.find((entry) => entry.name === 'control');
    expect(SERVICE_TABLE.filter((entry) => entry.wave === 0)).toEqual([control]);
    const lowest = Math.min(...SERVICE_TABLE.map((entry) => entry.phase));
    expect(SERVICE_TABLE.filter((entry) => entry.phase === lowest).map((entry) => entry.name)).toEqual(['ingress']);
  });

  it('gives each service its own NATS user, and secrets only to who needs them', () => {
    const holdersOf = (secret: string) =>
      SERVICE_TABLE.filter((entry) => Object.values(buildServiceEnvironment(entry, facts)).includes(secret))
        .map((entry) => entry.name)
        .sort();
    for (const name of SERVICE_NAMES) expect(holdersOf(facts.secrets.natsPasswords[name] ?? '')).toEqual([name]);
    expect(holdersOf(facts.secrets.masterKey)).toEqual(['control', 'providers']);
    expect(holdersOf(facts.secrets.keyPepper)).toEqual(['control', 'ingress']);
    expect(holdersOf(facts.secrets.adminToken)).toEqual(['control']);
    expect(holdersOf(facts.secrets.billingToken)).toEqual(['billing']);
    expect(holdersOf(facts.secrets.gatewayKey)).toEqual(['control']);
    expect(holdersOf(facts.secrets.clickhouseWriterPassword)).toEqual(['audit', 'billing']);
    expect(holdersOf(facts.postgresUrl)).toEqual(['audit', 'billing', 'control']);
  });
});
