const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/
/** The IPv4 address at the end of an IPv6 address (RFC 4291 §2.2). */
const IPV4_TAIL = /:(\d{1,3}(?:\.\d{1,3}){3})$/
const GROUP = /^[0-9a-f]{1,4}$/

/**
 * The network of an address: an IPv4 /24 or an IPv6 /48; null for other texts. A network shows that two events have the same
 * origin. It does not identify a user.
 */
export function addressPrefix(address: string | null | undefined): string | null {
  const parsed = parseAddress(address)
  if (parsed === null) return null
  return parsed.version === 4
    ? `${parsed.parts.slice(0, 3).join('.')}.0/24`
    : `${parsed.parts.slice(0, 3).join(':')}::/48`
}

/**
 * The address under which attempts are counted: an IPv4 address, or an IPv6 /64, because a household or a server has a whole
 * /64. Null for other texts and for a loopback address.
 */
export function countedAddress(address: string | null | undefined): string | null {
  const parsed = parseAddress(address)
  if (parsed === null || isLoopback(parsed)) return null
  return parsed.version === 4 ? parsed.parts.join('.') : `${parsed.parts.slice(0, 4).join(':')}::/64`
}

/** A network around a counted address. */
export interface CountedNetwork {
  /** A site is an IPv6 /56, which many providers give to one customer. A network is an IPv6 /48 or an IPv4 /24. */
  kind: 'site' | 'network'
  prefix: string
}

/** The networks around an address, smallest first. @param address A result of `countedAddress`. */
export function networksAround(address: string): CountedNetwork[] {
  if (IPV4.test(address)) {
    return [{ kind: 'network', prefix: `${address.split('.').slice(0, 3).join('.')}.0/24` }]
  }
  const [a, b, c, d = '0'] = address.replace('::/64', '').split(':')
  const site = (Number.parseInt(d, 16) & 0xff00).toString(16)
  return [
    { kind: 'site', prefix: `${a}:${b}:${c}:${site}::/56` },
    { kind: 'network', prefix: `${a}:${b}:${c}::/48` },
  ]
}

/** The number of shares of an IPv6 /48. Each /64 belongs to one share. */
export const NETWORK_SHARES = 4

/**
 * The share of the /48 to which an IPv6 /64 belongs; null for IPv4. The budgets of the shares limit the whole /48, also if a
 * caller uses many /64s.
 *
 * @param address A result of `countedAddress`.
 */
export function shareOfNetwork(address: string): string | null {
  if (IPV4.test(address)) return null
  const [a, b, c, d = '0'] = address.replace('::/64', '').split(':')
  return `${a}:${b}:${c}::/48 share ${Number.parseInt(d, 16) % NETWORK_SHARES}`
}

/** `parts` has four decimal bytes, or eight groups in lower-case hexadecimal without leading zeros. */
interface Address {
  version: 4 | 6
  parts: string[]
}

/** An IPv4-mapped address (`::ffff:192.0.2.1`, RFC 4291 §2.5.5.2) is parsed as IPv4. */
function parseAddress(address: string | null | undefined): Address | null {
  if (!address) return null
  if (IPV4.test(address)) return { version: 4, parts: address.split('.') }
  const groups = parseGroups(address.toLowerCase().replace(IPV4_TAIL, (_, v4) => `:${toGroups(v4)}`))
  if (groups === null) return null
  const isMapped = groups[5] === 'ffff' && groups.slice(0, 5).every((group) => group === '0')
  return isMapped ? { version: 4, parts: groups.slice(6).flatMap(toBytes) } : { version: 6, parts: groups }
}

/** The eight groups, with the zeros that `::` replaces; null for a malformed address. */
function parseGroups(text: string): string[] | null {
  const [head = '', tail, ...rest] = text.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail ? tail.split(':') : []
  const left = 8 - before.length - after.length
  const isWhole = tail === undefined ? left === 0 : left > 0 && rest.length === 0
  if (!isWhole || ![...before, ...after].every((group) => GROUP.test(group))) return null
  const groups = [...before, ...Array<string>(left).fill('0'), ...after]
  return groups.map((group) => group.replace(/^0+(?=.)/, ''))
}

function toGroups(v4: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = v4.split('.').map(Number)
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
}

function toBytes(group: string): string[] {
  const value = Number.parseInt(group, 16)
  return [String(value >> 8), String(value & 255)]
}

function isLoopback({ version, parts }: Address): boolean {
  return version === 4 ? parts[0] === '127' : parts.join(':') === '0:0:0:0:0:0:0:1'
}
