/**
 * The network of an address: the first three bytes of IPv4, the first three groups of IPv6 (a /48). Null for
 * anything else. Enough to see that two events came from one place; not enough to find a person.
 */
export function addressPrefix(address: string | null | undefined): string | null {
  if (!address) return null
  const v4 = /^(?:::ffff:)?(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}$/i.exec(address)
  if (v4) return `${v4[1]}.0/24`
  if (!/^[0-9a-f:]+$/i.test(address) || !address.includes(':')) return null
  const [head = '', tail] = address.toLowerCase().split('::')
  const groups = head === '' ? [] : head.split(':')
  const missing = tail === undefined ? 0 : 3 - groups.length
  const prefix = [...groups, ...Array<string>(Math.max(0, missing)).fill('0')].slice(0, 3)
  return `${prefix.map((group) => group.replace(/^0+(?=.)/, '')).join(':')}::/48`
}
