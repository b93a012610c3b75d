import { describe, expect, it } from '@jest/globals';
import { judgeAddress, parseRanges } from './address.js';

const none = parseRanges([]);

describe('judgeAddress', () => {
  it.each(['1.1.1.1', '8.8.8.8', '52.94.133.131', '2606:4700:4700::1111', '2a00:1450:4001:80b::200e'])(
    'lets the public address %s pass',
    (address) => expect(judgeAddress(address, none)).toEqual({ allowed: true, isPrivate: false }),
  );

  it.each([
    ['0.0.0.0', 'unspecified'],
    ['0.1.2.3', 'unspecified'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['10.0.0.1', 'private'],
    ['172.16.0.1', 'private'],
    ['192.168.1.1', 'private'],
    ['100.64.0.1', 'carrierGradeNat'],
    ['100.127.255.254', 'carrierGradeNat'],
    ['169.254.169.254', 'linkLocal'],
    ['224.0.0.1', 'multicast'],
    ['240.0.0.1', 'reserved'],
    ['255.255.255.255', 'broadcast'],
    ['192.0.2.1', 'reserved'],
    ['198.18.0.1', 'reserved'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['fe80::1', 'linkLocal'],
    ['fe80::1%eth0', 'linkLocal'],
    ['fc00::1', 'uniqueLocal'],
    ['fd12:3456::1', 'uniqueLocal'],
    ['fec0::1', 'deprecatedSiteLocal'],
    ['ff02::1', 'multicast'],
    ['2001:db8::1', 'reserved'],
    ['2001:0:1::1', 'teredo'],
    ['64:ff9b:1::7f00:1', 'rfc6052'],
    ['::7f00:1', 'unassigned'],
    ['4000::1', 'unassigned'],
  ])('refuses %s as %s', (address, range) => expect(judgeAddress(address, none)).toEqual({ allowed: false, range }));

  it.each([
    ['::ffff:127.0.0.1', 'loopback'],
    ['::ffff:a9fe:a9fe', 'linkLocal'],
    ['2002:7f00:1::', 'loopback'],
    ['2002:a00:1::1', 'private'],
    ['64:ff9b::7f00:1', 'loopback'],
    ['64:ff9b::100.64.0.1', 'carrierGradeNat'],
  ])('judges %s by the IPv4 address it leads to', (address, range) =>
    expect(judgeAddress(address, none)).toEqual({ allowed: false, range }),
  );

  it('lets NAT64 of a public address pass', () =>
    expect(judgeAddress('64:ff9b::8.8.8.8', none)).toEqual({ allowed: true, isPrivate: false }));

  it.each(['', 'localhost', '127.0.0.1.', '1.2.3.4/8', '999.1.1.1'])('refuses the unreadable %j', (address) =>
    expect(judgeAddress(address, none).allowed).toBe(false),
  );

  it('lets a private address pass by an entry that covers it, and only that one', () => {
    const loopback = parseRanges(['127.0.0.0/8', '::1']);
    expect(judgeAddress('127.0.0.1', loopback)).toEqual({ allowed: true, isPrivate: true });
    expect(judgeAddress('::ffff:127.0.0.1', loopback)).toEqual({ allowed: true, isPrivate: true });
    expect(judgeAddress('::1', loopback)).toEqual({ allowed: true, isPrivate: true });
    expect(judgeAddress('10.0.0.1', loopback).allowed).toBe(false);
    expect(judgeAddress('169.254.169.254', loopback).allowed).toBe(false);
  });
});

describe('parseRanges', () => {
  it.each(['localhost', '10.0.0.0/33', '0x7f.1', '127.1', ''])('refuses the entry %j', (entry) =>
    expect(() => parseRanges([entry])).toThrow(RangeError),
  );
});
