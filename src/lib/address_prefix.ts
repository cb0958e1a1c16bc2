/**
 * The network of an address: the first three bytes of IPv4, the first three groups of IPv6 (a /48). Null for
 * anything else. Enough to see that two events came from one place; not enough to find a person.
 */
export function addressPrefix(address: string | null | undefined): string | null {
  if (!address) return null
  const v4 = /^(?:::ffff:)?(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}$/i.exec(address)
  if (v4) return `${v4[1]}.0/24`
  return v6Network(address, 3)
}

/**
 * What attempts are counted for: an IPv4 address whole, of an IPv6 address the /64 that one household or server has. Null
 * for anything else, and for this machine, which is nobody from outside.
 */
export function countedAddress(address: string | null | undefined): string | null {
  if (!address) return null
  const [, v4] = /^(?:::ffff:)?(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(address) ?? []
  if (v4 !== undefined) return v4.startsWith('127.') ? null : v4
  return address === '::1' ? null : v6Network(address, 4)
}

/** The first groups of an IPv6 address; null for anything else. */
function v6Network(address: string, groupCount: number): string | null {
  if (!/^[0-9a-f:]+$/i.test(address) || !address.includes(':')) return null
  const [head = '', tail] = address.toLowerCase().split('::')
  const groups = head === '' ? [] : head.split(':')
  const after = tail ? tail.split(':') : []
  const missing = tail === undefined ? 0 : Math.max(0, 8 - groups.length - after.length)
  const prefix = [...groups, ...Array<string>(missing).fill('0'), ...after].slice(0, groupCount)
  return `${prefix.map((group) => group.replace(/^0+(?=.)/, '')).join(':')}::/${16 * groupCount}`
}
