import { describe, it } from 'node:test';
import { expect } from 'expect';
import { BillingSettings } from './settings.js';

const environment = (host: string) => ({
  WEIR_SERVICE_ID: 'billing-0',
  WEIR_NATS_URL: 'nats://127.0.0.1:4222',
  WEIR_NATS_USER: 'billing',
  WEIR_NATS_PASSWORD: 'secret',
  WEIR_HEALTH_PORT: '1',
  WEIR_POSTGRES_URL: 'postgres://127.0.0.1/weir',
  WEIR_CLICKHOUSE_URL: 'http://127.0.0.1:8123',
  WEIR_CLICKHOUSE_USER: 'writer',
  WEIR_CLICKHOUSE_PASSWORD: '',
  WEIR_HTTP_HOST: host,
  WEIR_HTTP_PORT: '2',
  WEIR_BILLING_TOKEN: 'a token of sixteen characters',
});

describe("billing's settings", () => {
  it('never send the token of its administration beyond this machine in the clear', () => {
    expect(BillingSettings.safeParse(environment('127.0.0.1')).success).toBe(true);
    const refused = BillingSettings.safeParse(environment('0.0.0.0'));
    expect(refused.error?.issues.map((issue) => issue.path.join('.'))).toEqual(['WEIR_HTTP_HOST']);
  });
});
