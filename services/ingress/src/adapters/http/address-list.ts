import { BlockList, isIP } from 'node:net';
import type { KeyRecord } from '@weir/contracts';

const lists = new WeakMap<KeyRecord, BlockList>();

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

function listOf(key: KeyRecord, entries: readonly string[]): BlockList {
  const known = lists.get(key);
  if (known) return known;
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', prefix] = entry.split('/');
    const bits = Number(prefix);
    // An entry that cannot be read admits nobody: the list stays an allow-list.
    if (isIP(address) === 0 || (prefix !== undefined && !Number.isInteger(bits))) continue;
    if (prefix === undefined) list.addAddress(address, familyOf(address));
    else if (bits >= 0 && bits <= (isIP(address) === 6 ? 128 : 32)) list.addSubnet(address, bits, familyOf(address));
  }
  lists.set(key, list);
  return list;
}

/**
 * Whether a key may be used from a peer address. Addresses are those of the connection; forwarding headers are never read,
 * since any client can write them.
 */
export function isAddressAllowed(key: KeyRecord, peerAddress: string | undefined): boolean {
  if (key.ipAllow === null) return true;
  if (peerAddress === undefined) return false;
  // An IPv4 client on a dual-stack socket shows as ::ffff:192.0.2.1.
  const address = peerAddress.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  if (isIP(address) === 0) return false;
  return listOf(key, key.ipAllow).check(address, familyOf(address));
}
