import { lookup as resolve } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/**
 * Addresses where machines keep their credentials. A query URL must never be able to read them, whatever name it uses.
 * Link-local (AWS, Azure, Google), AWS over IPv6, Alibaba, Azure's wire server, Oracle's classic one.
 */
const metadataAddresses = (): BlockList => {
  const list = new BlockList();
  list.addSubnet('169.254.0.0', 16, 'ipv4');
  list.addSubnet('fe80::', 10, 'ipv6');
  list.addAddress('fd00:ec2::254', 'ipv6');
  list.addAddress('100.100.100.200', 'ipv4');
  list.addAddress('168.63.129.16', 'ipv4');
  list.addAddress('192.0.0.192', 'ipv4');
  // The IPv4 ranges again behind NAT64, which a network may translate.
  list.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6');
  return list;
};

const METADATA = metadataAddresses();

/** Names that always mean a metadata service; they matter where a proxy resolves names. */
const METADATA_NAMES: ReadonlySet<string> = new Set(['metadata.google.internal', 'metadata.goog', 'metadata']);

/** Whether an address is refused. IPv4 written as IPv6 counts as IPv4. */
export const isRefusedAddress = (address: string): boolean => {
  const family = isIP(address);
  return family !== 0 && METADATA.check(address.replace(/%.*$/, ''), family === 4 ? 'ipv4' : 'ipv6');
};

/** Whether a URL's host is refused without asking a resolver. */
export const isRefusedHost = (hostname: string): boolean => {
  const host = hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
  return METADATA_NAMES.has(host) || isRefusedAddress(host);
};

export const REFUSED = 'ERR_REFUSED_ADDRESS';

export class RefusedAddressError extends Error {
  /** node-fetch wraps the error and keeps its code. */
  readonly code = REFUSED;
  constructor(host: string) {
    super(`${host} is a link-local or metadata address, which is never asked`);
    this.name = 'RefusedAddressError';
  }
}

/** A resolver for agents that refuses after the name was resolved, so that no name can hide such an address. */
export const guardedLookup =
  (lookup: LookupFunction = resolve): LookupFunction =>
  (hostname, options, callback) => {
    lookup(hostname, options, (error, address, family) => {
      const addresses = typeof address === 'string' ? [address] : (address ?? []).map((entry) => entry.address);
      if (error === null && addresses.some(isRefusedAddress))
        callback(new RefusedAddressError(hostname), address, family);
      else callback(error, address, family);
    });
  };
