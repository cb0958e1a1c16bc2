import { describe, expect, it } from 'vitest'
import { temporarilyUnavailable } from '../../src/oauth/errors.ts'
import { HashQueue } from '../../src/users/hash_queue.ts'

const MS = 20

/** An event loop whose turns the test controls. */
class Loop {
  /** The log: the hashes, and `turn` for each turn of the loop. */
  readonly story: string[] = []
  readonly queue: HashQueue
  /** The requests in flight in the isolate. The default is so high that other requests are always in flight. */
  requests = Infinity
  #paused: (() => void)[] = []

  constructor(limits = { length: 3, ms: 1000 }) {
    this.queue = new HashQueue(limits, {
      pause: () => new Promise((resolve) => this.#paused.push(resolve)),
      countRequests: () => this.requests,
    })
  }

  hash(name: string, estimatedMs = MS): Promise<string> {
    return this.queue.run({ estimatedMs }, (takeTurn) => takeTurn(() => this.#compute(name)))
  }

  /** Hashes for an account or a caller that failed recently. */
  hashSuspect(name: string): Promise<string> {
    const work = { estimatedMs: MS, isSuspect: true }
    return this.queue.run(work, (takeTurn) => takeTurn(() => this.#compute(name)))
  }

  /** Hashes two forms of one password. */
  hashTwice(name: string): Promise<string> {
    return this.queue.run({ estimatedMs: 2 * MS }, async (takeTurn) => {
      await takeTurn(() => this.#compute(`${name}1`))
      return takeTurn(() => this.#compute(`${name}2`))
    })
  }

  #compute(name: string): string {
    this.story.push(name)
    if (name === 'broken') throw new Error('broken')
    return name
  }

  async turn(times = 1): Promise<void> {
    await settle()
    for (let i = 0; i < times; i++) {
      this.story.push('turn')
      for (const goOn of this.#paused.splice(0)) goOn()
      await settle()
    }
  }

  /** Stops all waiting requests as the runtime does: their timers never fire. */
  hangUp(): void {
    this.#paused = []
  }
}

/** Runs all work that waits for no turn. */
async function settle(): Promise<void> {
  for (let step = 0; step < 20; step++) await Promise.resolve()
}

const TURNS = ['turn', 'turn', 'turn', 'turn']

describe('the queue for password hashes', () => {
  it('the queue for password hashes starts a hash at once if no other hash runs', async () => {
    const loop = new Loop()
    expect(await loop.hash('a')).toBe('a')
    await loop.turn(4)
    expect(await loop.hash('b')).toBe('b')
    expect(loop.story).toEqual(['a', ...TURNS, 'b'])
  })

  it('the queue for password hashes runs one hash at a time in the order of arrival, with four turns of the loop between two', async () => {
    const loop = new Loop()
    const hashes = ['a', 'b', 'c'].map((name) => loop.hash(name))
    await loop.turn(8)
    expect(await Promise.all(hashes)).toEqual(['a', 'b', 'c'])
    expect(loop.story).toEqual(['a', ...TURNS, 'b', ...TURNS, 'c'])
  })

  it('the queue for password hashes waits one turn between two hashes if no other request is in flight', async () => {
    const loop = new Loop()
    loop.requests = 0
    const hashes = ['a', 'b', 'c'].map((name) => loop.hash(name))
    await loop.turn(2)
    expect(await Promise.all(hashes)).toEqual(['a', 'b', 'c'])
    expect(loop.story).toEqual(['a', 'turn', 'b', 'turn', 'c'])
  })

  it('the queue for password hashes waits further turns if a new request arrives in that turn', async () => {
    const loop = new Loop()
    loop.requests = 2
    const hashes = ['a', 'b'].map((name) => loop.hash(name))
    await settle()
    loop.requests = 3
    await loop.turn(4)
    expect(await Promise.all(hashes)).toEqual(['a', 'b'])
    expect(loop.story).toEqual(['a', ...TURNS, 'b'])
  })

  it('the queue for password hashes waits for the turns before a hash that arrives just after another one', async () => {
    const loop = new Loop()
    await loop.hash('a')
    await loop.turn(2)
    const late = loop.hash('b')
    await loop.turn(2)
    expect(await late).toBe('b')
    expect(loop.story).toEqual(['a', ...TURNS, 'b'])
  })

  it('the queue for password hashes gives both forms of a password one place in the queue', async () => {
    const loop = new Loop()
    const hashes = [loop.hashTwice('a'), loop.hash('b')]
    await loop.turn(9)
    await Promise.all(hashes)
    expect(loop.story.filter((step) => step !== 'turn')).toEqual(['a1', 'a2', 'b'])
    expect(loop.story.slice(0, 6)).toEqual(['a1', ...TURNS, 'a2'])
  })

  it.each([
    ['too many', { length: 3, ms: 1000 }, [MS, MS, MS], MS],
    ['too long together, as one bcrypt 13 for 22 of today’s', { length: 9, ms: 450 }, [MS, MS], 22 * MS],
  ])(
    'the queue refuses work that would make it %s, with Retry-After',
    async (_case, limits, waiting, next) => {
      const loop = new Loop(limits)
      await loop.hash('first')
      const hashes = waiting.map((ms, i) => loop.hash(String(i), ms))
      const refused = expect(loop.hash('refused', next)).rejects.toEqual(
        temporarilyUnavailable('too many password hashes wait in this isolate', 1),
      )
      await loop.turn(4 * waiting.length)
      await refused
      await Promise.all(hashes)
      expect(loop.story).not.toContain('refused')
      expect(await Promise.all([loop.turn(4), loop.hash('later')])).toEqual([undefined, 'later'])
    },
  )

  it('the queue for password hashes accepts any work while it is empty', async () => {
    const loop = new Loop({ length: 1, ms: 100 })
    expect(await loop.hash('a', 5000)).toBe('a')
  })

  it('the queue for password hashes skips work whose requests have ended', async () => {
    const loop = new Loop()
    await loop.hash('first')
    void loop.hash('gone')
    void loop.hash('gone too')
    await settle()
    loop.hangUp()
    const alive = loop.hash('alive')
    await loop.turn(8)
    expect(await alive).toBe('alive')
    expect(loop.story).not.toContain('gone')
  })

  it('the queue for password hashes is not full with work whose requests have ended', async () => {
    const loop = new Loop()
    await loop.hash('first')
    for (const name of ['1', '2', '3']) void loop.hash(name)
    await settle()
    loop.hangUp()
    const alive = loop.hash('alive')
    await loop.turn(16)
    expect(await alive).toBe('alive')
  })

  it('the queue for password hashes continues after a failed hash', async () => {
    const loop = new Loop()
    const broken = expect(loop.hash('broken')).rejects.toThrow('broken')
    const next = loop.hash('next')
    await loop.turn(4)
    await broken
    expect(await next).toBe('next')
  })
})

describe('suspect work', () => {
  it.each([
    ['places', { length: 4, ms: 1000 }],
    ['time', { length: 100, ms: 4 * MS }],
  ])(
    'suspect work uses at most half of the %s of the queue, and other work the rest',
    async (_case, limits) => {
      const loop = new Loop(limits)
      const names = ['a', 'b', 'c', 'd']
      const suspects = Promise.allSettled(names.map((name) => loop.hashSuspect(name)))
      const others = Promise.all(['x', 'y'].map((name) => loop.hash(name)))
      await loop.turn(16)
      expect(await others).toEqual(['x', 'y'])
      expect((await suspects).map(({ status }) => status)).toEqual([
        'fulfilled',
        'fulfilled',
        'rejected',
        'rejected',
      ])
    },
  )

  it('suspect work is accepted by an empty queue of any length', async () => {
    expect(await new Loop({ length: 1, ms: 1 }).hashSuspect('a')).toBe('a')
  })
})
