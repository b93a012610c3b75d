import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
/** Parsed CIDR ranges: {@link parseRanges}. */
export type AddressRanges = readonly (readonly [Address, number])[];

export type AddressVerdict =
  { readonly allowed: true; readonly isPrivate: boolean } | { readonly allowed: false; readonly range: string };

/** 64:ff9b::/96, the well-known prefix of NAT64 (RFC 6052 §2.1). The local-use prefix 64:ff9b:1::/48 stays refused. */
const NAT64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96');
/** 2000::/3 is all that IANA has handed out as global unicast; ipaddr.js calls everything unlisted `unicast`. */
const GLOBAL_UNICAST_V6 = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * Parses addresses and CIDR ranges as an administrator wrote them (`127.0.0.1`, `10.0.0.0/8`, `fd00::/8`).
 * @throws RangeError naming the first entry that is neither.
 */
export function parseRanges(entries: readonly string[]): AddressRanges {
  return entries.map((entry) => {
    if (ipaddr.isValidCIDR(entry)) return ipaddr.parseCIDR(entry);
    // isValid also takes `0x7f.1` and other forms of inet_aton: an entry of an allow-list has to say what it means.
    if (ipaddr.IPv4.isValidFourPartDecimal(entry) || ipaddr.IPv6.isValid(entry)) {
      const address = ipaddr.parse(entry);
      return [address, address.kind() === 'ipv4' ? 32 : 128] as const;
    }
    throw new RangeError(`not an address or CIDR range: ${entry}`);
  });
}

function embeddedV4(bytes: readonly number[], offset: number): ipaddr.IPv4 {
  return new ipaddr.IPv4(bytes.slice(offset, offset + 4));
}

/** The IPv4 address that a v4-mapped, 6to4 (RFC 3056) or NAT64 address leads to; else the address itself. */
function unwrap(address: Address): Address {
  if (address.kind() === 'ipv4') return address;
  const v6 = address as ipaddr.IPv6;
  const range = v6.range();
  if (range === 'ipv4Mapped') return v6.toIPv4Address();
  if (range === '6to4') return embeddedV4(v6.toByteArray(), 2);
  if (v6.match(NAT64)) return embeddedV4(v6.toByteArray(), 12);
  return address;
}

function covers(ranges: AddressRanges, address: Address): boolean {
  return ranges.some(([base, bits]) => base.kind() === address.kind() && address.match(base, bits));
}

/**
 * Whether an address may be connected to. Only global unicast is; everything else (loopback, private, CGNAT, link-local,
 * site-local, documentation, reserved, …) needs an entry of `allowPrivate` that covers it. Wrapped IPv4 addresses are
 * judged by what they lead to. An unreadable address is refused.
 */
export function judgeAddress(text: string, allowPrivate: AddressRanges): AddressVerdict {
  if (!ipaddr.isValid(text)) return { allowed: false, range: 'unreadable' };
  const address = unwrap(ipaddr.parse(text));
  const range = address.range();
  const isGlobal =
    range === 'unicast' && (address.kind() === 'ipv4' || (address as ipaddr.IPv6).match(GLOBAL_UNICAST_V6));
  if (isGlobal) return { allowed: true, isPrivate: false };
  if (covers(allowPrivate, address)) return { allowed: true, isPrivate: true };
  return { allowed: false, range: range === 'unicast' ? 'unassigned' : range };
}
