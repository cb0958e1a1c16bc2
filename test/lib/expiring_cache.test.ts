import { describe, expect, it } from 'vitest'
import { ExpiringCache } from '../../src/lib/expiring_cache.ts'

describe('an expiring cache', () => {
  const valuesOf = (cache: ExpiringCache<number>) => ['a', 'b', 'c'].map((key) => cache.get(key, 0))

  it('the cache has no value for an unknown key', () => {
    expect(new ExpiringCache(1).get('a', 0)).toBe(null)
  })

  it('the cache has a value until the second in which it expires', () => {
    const cache = new ExpiringCache<string>(1)
    cache.set('a', 'value', 100)
    expect([99, 100, 101].map((now) => cache.get('a', now))).toEqual(['value', null, null])
  })

  it('the cache keeps false and empty values', () => {
    const cache = new ExpiringCache<boolean | string>(2)
    cache.set('a', false, 1)
    cache.set('b', '', 1)
    expect(['a', 'b'].map((key) => cache.get(key, 0))).toEqual([false, ''])
  })

  it('setting a key replaces its value and its expiry', () => {
    const cache = new ExpiringCache<number>(1)
    cache.set('a', 1, 100)
    cache.set('a', 2, 50)
    expect([cache.get('a', 49), cache.get('a', 50)]).toEqual([2, null])
  })

  it('deleting a key removes only that key', () => {
    const cache = new ExpiringCache<number>(2)
    cache.set('a', 1, 1)
    cache.set('b', 2, 1)
    cache.delete('a')
    cache.delete('c')
    expect(valuesOf(cache)).toEqual([null, 2, null])
  })

  it('a full cache drops the oldest value', () => {
    const cache = new ExpiringCache<number>(2)
    cache.set('a', 1, 1)
    cache.set('b', 2, 1)
    cache.set('c', 3, 1)
    expect(valuesOf(cache)).toEqual([null, 2, 3])
  })

  it('a full cache drops nothing when a value is replaced, and the replaced value is the newest', () => {
    const cache = new ExpiringCache<number>(2)
    cache.set('a', 1, 1)
    cache.set('b', 2, 1)
    cache.set('a', 10, 1)
    expect(valuesOf(cache)).toEqual([10, 2, null])
    cache.set('c', 3, 1)
    expect(valuesOf(cache)).toEqual([10, null, 3])
  })
})
