import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CallBatches, GATHERING_MS, MAX_BATCH } from '../../src/lib/call_batches.ts'
import { STORE_DEADLINE_MS, StorageUnavailable } from '../../src/lib/storage_error.ts'
import { timers } from '../../src/lib/timers.ts'

/** A store whose calls wait until the test ends them. */
function newStore() {
  const calls: string[][] = []
  const ends: PromiseWithResolvers<void>[] = []
  const call = async (requests: string[]) => {
    const end = Promise.withResolvers<void>()
    calls.push(requests)
    ends.push(end)
    await end.promise
    return requests.map((request) => (request.startsWith('alone') ? null : `${request}!`))
  }
  const kept: Promise<unknown>[] = []
  const sender = new CallBatches<string, string>({
    one: async (request) => {
      await call([request])
      return `${request}!`
    },
    many: call,
  })
  const waitUntil = (work: Promise<unknown>) => void kept.push(work)
  const batches = { run: (request: string) => sender.run(request, { waitUntil }) }
  /** `kept` has the requests that continue after their clients disconnect. */
  return { batches, calls, ends, kept }
}

/** The time is that of the test: timers fire when it advances. */
const wait = (ms: number) => vi.advanceTimersByTimeAsync(ms)

describe('the batches of calls', () => {
  beforeEach(() => {
    vi.useFakeTimers()
    vi.spyOn(timers, 'start').mockImplementation((fire, ms) => setTimeout(fire, ms))
    vi.spyOn(timers, 'stop').mockImplementation((timer) => clearTimeout(timer as number))
  })
  afterEach(() => {
    vi.restoreAllMocks()
    vi.useRealTimers()
  })

  it('a request without parallel requests is sent at once, alone', async () => {
    const { batches, calls, ends } = newStore()
    for (const [i, request] of ['a', 'b'].entries()) {
      const result = batches.run(request)
      expect(calls).toHaveLength(i + 1)
      ends[i]?.resolve()
      expect(await result).toBe(`${request}!`)
    }
    expect(calls).toEqual([['a'], ['b']])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('requests during a call go out in one call, in their order, and each gets its result', async () => {
    const { batches, calls, ends, kept } = newStore()
    const results = ['a', 'b', 'c', 'd'].map((request) => batches.run(request))
    expect(calls).toEqual([['a']])
    ends[0]?.resolve()
    await wait(0)
    expect(calls).toEqual([['a'], ['b', 'c', 'd']])
    ends[1]?.resolve()
    expect(await Promise.all(results)).toEqual(['a!', 'b!', 'c!', 'd!'])
    expect(kept).toHaveLength(3)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('a request waits for a slow call for the gathering time only', async () => {
    const { batches, calls, ends } = newStore()
    const slow = batches.run('slow')
    const others = ['a', 'b'].map((request) => batches.run(request))
    await wait(GATHERING_MS - 1)
    expect(calls).toEqual([['slow']])
    await wait(1)
    expect(calls).toEqual([['slow'], ['a', 'b']])
    ends[1]?.resolve()
    expect(await Promise.all(others)).toEqual(['a!', 'b!'])
    const next = batches.run('next')
    expect(calls).toHaveLength(3)
    for (const end of ends) end.resolve()
    expect(await Promise.all([slow, next])).toEqual(['slow!', 'next!'])
  })

  it(`a call has at most ${MAX_BATCH} requests in their order, and further requests wait for no call`, async () => {
    const { batches, calls, ends } = newStore()
    const requests = Array.from({ length: MAX_BATCH + 2 }, (_, i) => String(i))
    const results = requests.map((request) => batches.run(request))
    expect(calls).toEqual([['0'], requests.slice(1, -1)])
    ends[1]?.resolve()
    await wait(0)
    ends[2]?.resolve()
    ends[0]?.resolve()
    expect(await Promise.all(results)).toEqual(requests.map((request) => `${request}!`))
    expect(calls[2]).toEqual([String(MAX_BATCH + 1)])
  })

  it('a request that the store does not run in a batch gets its own call, which delays no other', async () => {
    const { batches, calls, ends } = newStore()
    const [a, alone, b] = ['a', 'alone', 'b'].map((request) => batches.run(request))
    ends[0]?.resolve()
    await wait(0)
    ends[1]?.resolve()
    expect(await Promise.all([a, b])).toEqual(['a!', 'b!'])
    expect(calls).toEqual([['a'], ['alone', 'b'], ['alone']])
    ends[2]?.resolve()
    expect(await alone).toBe('alone!')
  })

  it('a failed call fails its requests, and the next request is sent at once', async () => {
    const { batches, calls, ends } = newStore()
    const results = ['a', 'b', 'c'].map((request) => batches.run(request))
    const settled = Promise.allSettled(results)
    ends[0]?.resolve()
    await wait(0)
    ends[1]?.reject(new Error('the call failed'))
    const failed = { status: 'rejected', reason: new Error('the call failed') }
    expect(await settled).toEqual([{ status: 'fulfilled', value: 'a!' }, failed, failed])
    const next = batches.run('d')
    ends[2]?.resolve()
    expect(await next).toBe('d!')
    expect(calls.at(-1)).toEqual(['d'])
  })

  it('a request waits for a slow call of another request until the deadline of a store', async () => {
    const { batches, calls, ends } = newStore()
    const [first, leader, slow] = ['first', 'leader', 'slow'].map((request) => batches.run(request))
    ends[0]?.resolve()
    await first
    await wait(STORE_DEADLINE_MS - 1)
    ends[1]?.resolve()
    expect(await Promise.all([leader, slow])).toEqual(['leader!', 'slow!'])
    expect(calls).toEqual([['first'], ['leader', 'slow']])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('a request fails if the call of another request does not end, and is not sent again', async () => {
    const { batches, calls, ends } = newStore()
    const [first, leader, follower] = ['first', 'leader', 'follower'].map((request) => batches.run(request))
    ends[0]?.resolve()
    await first
    const failed = expect(follower).rejects.toThrow(StorageUnavailable)
    await wait(GATHERING_MS + STORE_DEADLINE_MS)
    await failed
    expect(calls).toHaveLength(2)
    ends[1]?.resolve()
    expect(await leader).toBe('leader!')
  })

  it('the other requests go out if the runtime stops the request whose turn it is', async () => {
    const { batches, calls, ends } = newStore()
    const first = batches.run('first')
    // The runtime never continues a stopped request: neither its promise nor its timer.
    vi.mocked(timers.start).mockImplementationOnce(() => null)
    const resolvers = vi
      .spyOn(Promise, 'withResolvers')
      .mockImplementationOnce(
        () => ({ promise: new Promise(() => {}), resolve: () => {}, reject: () => {} }) as never,
      )
    void batches.run('stopped')
    resolvers.mockRestore()
    const others = ['a', 'b'].map((request) => batches.run(request))
    ends[0]?.resolve()
    expect(await first).toBe('first!')
    expect(calls).toEqual([['first']])
    await wait(GATHERING_MS)
    expect(calls[1]).toEqual(['a', 'b'])
    ends[1]?.resolve()
    expect(await Promise.all(others)).toEqual(['a!', 'b!'])
    const next = batches.run('next')
    ends[2]?.resolve()
    expect(await next).toBe('next!')
  })
})
