import { describe, expect, it } from 'vitest'
import { TokenBucket } from '../../src/lib/token_bucket.ts'

/** The number of tokens in the bucket at a time. */
function drain(bucket: TokenBucket, now: number): number {
  let taken = 0
  for (; !bucket.isEmpty(now); taken++) bucket.take(now)
  return taken
}

describe('a token bucket', () => {
  it('a new bucket is full', () => {
    expect(drain(new TokenBucket(5, 1), 1_900_000_000)).toBe(5)
  })

  it('the bucket refills with time, up to its capacity', () => {
    const bucket = new TokenBucket(5, 2)
    expect([100, 100, 101, 103, 1000].map((now) => drain(bucket, now))).toEqual([5, 0, 2, 4, 5])
  })

  it('fractions of a token add up', () => {
    const bucket = new TokenBucket(1, 0.25)
    drain(bucket, 100)
    expect([101, 102, 103, 104].map((now) => bucket.isEmpty(now))).toEqual([true, true, true, false])
  })

  it('taking more than the bucket has leaves no debt', () => {
    const bucket = new TokenBucket(1, 1)
    for (let i = 0; i < 10; i++) bucket.take(100)
    expect(drain(bucket, 101)).toBe(1)
  })

  it('returned tokens refill the bucket, up to its capacity', () => {
    const bucket = new TokenBucket(2, 0)
    drain(bucket, 100)
    bucket.giveBack()
    expect(drain(bucket, 100)).toBe(1)
    for (let i = 0; i < 10; i++) bucket.giveBack()
    expect(drain(bucket, 100)).toBe(2)
  })

  it('reading the bucket takes nothing', () => {
    const bucket = new TokenBucket(1, 0)
    expect([bucket.isEmpty(100), bucket.isEmpty(100), bucket.isEmpty(200)]).toEqual([false, false, false])
  })

  it('times out of order add no tokens', () => {
    const bucket = new TokenBucket(1, 1)
    bucket.take(11)
    expect([bucket.isEmpty(11), bucket.isEmpty(10), bucket.isEmpty(11)]).toEqual([true, true, true])
  })

  it('an empty bucket stays empty if the clock goes back', () => {
    const bucket = new TokenBucket(1, 1)
    drain(bucket, 100)
    expect(bucket.isEmpty(50)).toBe(true)
  })
})
