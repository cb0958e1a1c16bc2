import { describe, expect, it } from 'vitest'
import {
  addressPrefix,
  countedAddress,
  NETWORK_SHARES,
  networksAround,
  shareOfNetwork,
} from '../../src/lib/address_prefix.ts'

describe('the address of a counted attempt', () => {
  it.each([
    ['203.0.113.7', 'IPv4, whole'],
    ['::ffff:203.0.113.7', 'as IPv6 writes it'],
    ['::FFFF:203.0.113.7', 'in capitals'],
    ['::ffff:cb00:7107', 'in hexadecimal'],
    ['0:0:0:0:0:ffff:203.0.113.7', 'with every zero'],
    ['0000:0000:0000:0000:0000:ffff:cb00:7107', 'in full'],
  ])('each notation of an IPv4 address counts as the same address: %s (%s)', (address) => {
    expect([countedAddress(address), addressPrefix(address)]).toEqual(['203.0.113.7', '203.0.113.0/24'])
  })

  it.each([
    ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002:0000:0000:0000:0001', '2001:db8:1:2::/64'],
    ['2001:db8:1:3::1', '2001:db8:1:3::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8::1:2:3:4:5', '2001:db8:0:1::/64'],
    ['::1:0:0:0:0', '0:0:0:1::/64'],
    ['fe80::', 'fe80:0:0:0::/64'],
    ['64:ff9b::203.0.113.7', '64:ff9b:0:0::/64'],
    ['::fffe:203.0.113.7', '0:0:0:0::/64'],
  ])('the address of a counted attempt is the /64 of IPv6: %s', (address, counted) => {
    expect(countedAddress(address)).toBe(counted)
  })

  it.each(['127.0.0.1', '127.8.9.10', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', '::ffff:7f00:1'])(
    'a loopback address has no count: %s',
    (address) => expect(countedAddress(address)).toBeNull(),
  )

  it.each([
    '',
    null,
    undefined,
    'unknown',
    '203.0.113',
    '203.0.113.7, 198.51.100.1',
    '203.0.113.7:443',
    '2001:db8',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '1:2:3:4:5:6:7:8::',
    '[2001:db8::1]',
    'fe80::1%eth0',
    ':::',
    '12345::',
    '::g',
  ])('a text that is not an address counts as no address: %s', (address) => {
    expect([countedAddress(address), addressPrefix(address)]).toEqual([null, null])
  })
})

describe('the networks around a counted address', () => {
  it.each([
    ['203.0.113.7', ['network 203.0.113.0/24']],
    ['2001:db8:1:2ff::1', ['site 2001:db8:1:200::/56', 'network 2001:db8:1::/48']],
    ['2001:db8:1:ff::1', ['site 2001:db8:1:0::/56', 'network 2001:db8:1::/48']],
    ['2001:db8::1', ['site 2001:db8:0:0::/56', 'network 2001:db8:0::/48']],
    ['::2', ['site 0:0:0:0::/56', 'network 0:0:0::/48']],
  ])(
    'the networks around a counted address are the /24 of IPv4, the /56 and the /48 of IPv6: %s',
    (address, networks) => {
      const around = networksAround(countedAddress(address) ?? '')
      expect(around.map(({ kind, prefix }) => `${kind} ${prefix}`)).toEqual(networks)
    },
  )

  it('every address of a network has the same networks', () => {
    const around = (address: string) => networksAround(countedAddress(address) ?? '')
    expect(around('2001:db8:1:2aa::1')).toEqual(around('2001:db8:1:200:ffff::'))
    expect(around('203.0.113.7')).toEqual(around('::ffff:203.0.113.250'))
  })
})

describe('the share of a network that an IPv6 /64 belongs to', () => {
  it('each /64 has one of the four shares of its /48, and IPv4 has none', () => {
    const addresses = Array.from({ length: 1000 }, (_, i) => `2001:db8:1:${i.toString(16)}::1`)
    const shares = new Set(addresses.map((address) => shareOfNetwork(countedAddress(address) ?? '')))
    expect(shares.size).toBe(NETWORK_SHARES)
    expect(shareOfNetwork('203.0.113.7')).toBeNull()
    expect(shareOfNetwork('2001:db8:1:6::/64')).toBe('2001:db8:1::/48 share 2')
    expect(shareOfNetwork('2001:db8:2:6::/64')).toBe('2001:db8:2::/48 share 2')
  })
})
