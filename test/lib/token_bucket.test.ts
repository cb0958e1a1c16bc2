import { describe, expect, it } from 'vitest'
import { TokenBucket } from '../../src/lib/token_bucket.ts'

/** How many can be taken at a moment before the bucket is empty. */
function drain(bucket: TokenBucket, now: number): number {
  let taken = 0
  for (; !bucket.isEmpty(now); taken++) bucket.take(now)
  return taken
}

describe('a token bucket', () => {
  it('is full at first, whatever the time', () => {
    expect(drain(new TokenBucket(5, 1), 1_900_000_000)).toBe(5)
  })

  it('refills with time, up to its capacity', () => {
    const bucket = new TokenBucket(5, 2)
    expect([100, 100, 101, 103, 1000].map((now) => drain(bucket, now))).toEqual([5, 0, 2, 4, 5])
  })

  it('adds up parts of a token', () => {
    const bucket = new TokenBucket(1, 0.25)
    drain(bucket, 100)
    expect([101, 102, 103, 104].map((now) => bucket.isEmpty(now))).toEqual([true, true, true, false])
  })

  it('owes nothing where more is taken than there is', () => {
    const bucket = new TokenBucket(1, 1)
    for (let i = 0; i < 10; i++) bucket.take(100)
    expect(drain(bucket, 101)).toBe(1)
  })

  it('takes back what was not needed, up to its capacity', () => {
    const bucket = new TokenBucket(2, 0)
    drain(bucket, 100)
    bucket.giveBack()
    expect(drain(bucket, 100)).toBe(1)
    for (let i = 0; i < 10; i++) bucket.giveBack()
    expect(drain(bucket, 100)).toBe(2)
  })

  it('takes nothing by being looked at', () => {
    const bucket = new TokenBucket(1, 0)
    expect([bucket.isEmpty(100), bucket.isEmpty(100), bucket.isEmpty(200)]).toEqual([false, false, false])
  })

  it('gives nothing away where moments come out of order', () => {
    const bucket = new TokenBucket(1, 1)
    bucket.take(11)
    expect([bucket.isEmpty(11), bucket.isEmpty(10), bucket.isEmpty(11)]).toEqual([true, true, true])
  })

  it('stays empty where the clock goes back', () => {
    const bucket = new TokenBucket(1, 1)
    drain(bucket, 100)
    expect(bucket.isEmpty(50)).toBe(true)
  })
})
