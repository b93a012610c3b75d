import { describe, expect, it } from '@jest/globals';
import { buildNatsConfig } from './nats-config.js';

const config = buildNatsConfig({
  port: 4222,
  storeDirectory: '/home/a "b"/nats',
  users: [
    { user: 'weir', password: 'p' },
    {
      user: 'audit',
      password: 'q',
      permissions: { publish: ['$JS.API.STREAM.INFO.EVENTS_0'], subscribe: ['_INBOX_audit.>'] },
    },
  ],
});

describe('buildNatsConfig', () => {
  it('listens on the loopback alone and keeps the size limit at its default', () => {
    expect(config).toContain('listen: "127.0.0.1:4222"');
    expect(config).not.toContain('max_payload');
  });

  it('quotes every value, since a bare $ is a variable there', () => {
    expect(config).toContain('store_dir: "/home/a \\"b\\"/nats"');
    expect(config).not.toMatch(/[[ ]\$JS/);
  });

  it('refuses a permission that would match nothing', () => {
    const user = { user: 'audit', password: 'q', permissions: { publish: ['$JS.ACK.EVENTS_*.>'], subscribe: [] } };
    expect(() => buildNatsConfig({ port: 4222, storeDirectory: '/', users: [user] })).toThrow(
      /EVENTS_\* is no wildcard/,
    );
  });

  it('gives permissions to services and everything to the administrator', () => {
    expect(config).toContain('{ user: "weir", password: "p" }');
    expect(config).toContain('subscribe: { allow: ["_INBOX_audit.>"] }');
  });
});
