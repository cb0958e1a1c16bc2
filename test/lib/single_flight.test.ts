import { describe, expect, it } from 'vitest'
import { type RequestContext, UNKNOWN_CALLER } from '../../src/lib/request_context.ts'
import { SingleFlight } from '../../src/lib/single_flight.ts'

/** A request, and the work that it keeps alive. */
function request(): { context: RequestContext; held: Promise<unknown>[] } {
  const held: Promise<unknown>[] = []
  const waitUntil = (work: Promise<unknown>) => void held.push(work)
  return {
    context: { ...UNKNOWN_CALLER, now: 0, waitUntil },
    held,
  }
}

/** Work that the test completes, and that counts its runs. */
function work() {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let runs = 0
  const run = () => {
    runs++
    return promise
  }
  return { run, resolve, reject, runs: () => runs }
}

describe('a single flight', () => {
  it('parallel callers share one run', async () => {
    const flights = new SingleFlight<string>()
    const { run, resolve, runs } = work()
    const responses = Promise.all(Array.from({ length: 50 }, () => flights.run('a', request().context, run)))
    resolve('answer')
    expect(new Set(await responses)).toEqual(new Set(['answer']))
    expect(runs()).toBe(1)
  })

  it('different keys run separately', async () => {
    const flights = new SingleFlight<string>()
    const { context } = request()
    const responses = ['a', 'b'].map((key) => flights.run(key, context, async () => `response ${key}`))
    expect(await Promise.all(responses)).toEqual(['response a', 'response b'])
  })

  it('a later caller starts a new run', async () => {
    const flights = new SingleFlight<string>()
    const { context } = request()
    expect(await flights.run('a', context, async () => 'first')).toBe('first')
    expect(await flights.run('a', context, async () => 'second')).toBe('second')
  })

  it('a failure reaches all callers of the run, and no later caller', async () => {
    const flights = new SingleFlight<string>()
    const { context } = request()
    const { run, reject } = work()
    const responses = Promise.allSettled([flights.run('a', context, run), flights.run('a', context, run)])
    const failure = new Error('the store is down')
    reject(failure)
    expect(await responses).toEqual([
      { status: 'rejected', reason: failure },
      { status: 'rejected', reason: failure },
    ])
    expect(await flights.run('a', context, async () => 'answer')).toBe('answer')
  })

  it('the request that started the run keeps it alive, without its failure', async () => {
    const flights = new SingleFlight<string>()
    const [first, second] = [request(), request()]
    const { run, reject } = work()
    const responses = Promise.allSettled([
      flights.run('a', first.context, run),
      flights.run('a', second.context, run),
    ])
    expect([first.held.length, second.held.length]).toEqual([1, 0])
    reject(new Error('the store is down'))
    await responses
    expect(await Promise.all(first.held)).toEqual([undefined])
  })
})
