import { timers } from '../../src/lib/timers.ts'
import type { SessionObjectNamespace } from '../../src/sessions/remote_object_store.ts'
import { type AroundCall, aroundD1, isDeferredWrite } from './around_d1.ts'
import { aroundKv } from './around_kv.ts'
import { aroundObjects } from './around_objects.ts'
import { aroundUserDatabases } from './user_databases.ts'

/** How a call to a store fails. `after it is done` loses only the response, like a connection that drops after the write. */
export const FAULTS = ['before it is made', 'while it runs', 'after it is done'] as const
export type Fault = (typeof FAULTS)[number]

/** How a call is delayed: it hangs until the store recovers, before or after it is made, or it is slow. */
export const DELAYS = ['hangs before it is made', 'hangs after it is done', 'is slow'] as const

/** The second statement of a batch fails after the first. A call that is not a batch is not made. */
const BREAK = 'in the middle of its batch'

export type Trouble = Fault | (typeof DELAYS)[number] | typeof BREAK
export const TROUBLES: readonly Trouble[] = [...FAULTS, ...DELAYS, BREAK]

const SLOW_MS = 800

/** A real store whose calls fail or hang as a test selects. */
export class FaultyStore {
  /** The fault of a call, by its statements or its name, such as `put keys`. Null makes the call without a fault. */
  judge: (call: string) => Trouble | null = () => null
  /** The number of calls in progress. */
  running = 0
  readonly around: AroundCall = (what, call, breakOff) =>
    this.#meet(this.judge(what), () => this.#run(call), breakOff)
  #hanging: (() => void)[] = []
  #broken: Promise<unknown>[] = []

  /** Applies the fault to every call until the store recovers. */
  suffer(trouble: Trouble): void {
    this.judge = () => trouble
  }

  /** Ends the fault and resumes the calls that hang. */
  comeBack(): void {
    this.judge = () => null
    for (const goOn of this.#hanging.splice(0)) goOn()
  }

  /** Waits until the interrupted and hanging calls have ended. */
  async settle(): Promise<void> {
    await Promise.all(this.#broken.splice(0))
  }

  async #meet<T>(
    trouble: Trouble | null,
    call: () => Promise<T>,
    breakOff?: () => Promise<unknown>,
  ): Promise<T> {
    switch (trouble) {
      case null:
        return call()
      case 'is slow':
        await new Promise<void>((resolve) => timers.start(resolve, SLOW_MS))
        return call()
      case 'hangs before it is made':
        return this.#track(this.#hang().then(call))
      case 'hangs after it is done':
        return this.#track(
          call().then(async (response) => {
            await this.#hang()
            return response
          }),
        )
      case BREAK:
        if (breakOff) await this.#run(breakOff)
        throw new Error('the call is not made')
      default:
        return this.#fail(trouble, call)
    }
  }

  #track<T>(call: Promise<T>): Promise<T> {
    this.#broken.push(call)
    return call
  }

  async #fail(fault: Fault, call: () => Promise<unknown>): Promise<never> {
    if (fault === 'while it runs') void this.#track(call())
    if (fault === 'after it is done') await call()
    throw new Error(`the call fails ${fault}`)
  }

  #hang(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#hanging.push(resolve)
    return promise
  }

  async #run<T>(call: () => Promise<T>): Promise<T> {
    this.running++
    try {
      return await call()
    } finally {
      this.running--
    }
  }
}

/** Both stores of a server. The session objects fail with D1. */
export class FaultyStores {
  readonly d1 = new FaultyStore()
  readonly kv = new FaultyStore()
  readonly env = {
    DB: aroundD1(this.d1.around),
    KV: aroundKv(this.kv.around),
    SESSION_OBJECTS: aroundObjects(this.d1.around),
  }

  /** Whether a call is in progress that will end. */
  get areAtWork(): boolean {
    return this.d1.running + this.kv.running > 0
  }

  comeBack(): void {
    for (const store of [this.d1, this.kv]) store.comeBack()
  }

  /** Starts or ends an outage of both stores. */
  set up(isUp: boolean) {
    if (isUp) this.comeBack()
    else for (const store of [this.d1, this.kv]) store.suffer('before it is made')
  }
}

interface FaultOptions {
  fault: Trouble
  /** The number of the matching call that fails, counted from 1. */
  nth: number
  /** Whether a call with these statements matches. */
  matches(sql: string): boolean
}

/** A pause after which an earlier write has ended. */
const DONE: ReadonlySet<Trouble> = new Set(['while it runs', 'after it is done', 'hangs after it is done'])

/** The real D1 databases and the real session objects, with one failing call. */
export class FaultyD1 {
  readonly db: D1Database
  /** The bindings of the main database and of the databases of users. */
  readonly databases: ReturnType<typeof aroundUserDatabases>
  readonly objects: SessionObjectNamespace
  /** The statements of the call that failed. Null before the failure. */
  failed: string | null = null
  readonly #store = new FaultyStore()
  readonly #fault: Trouble

  constructor({ fault, nth, matches }: FaultOptions) {
    let matching = 0
    this.#fault = fault
    this.#store.judge = (sql) => {
      if (!matches(sql) || ++matching !== nth) return null
      this.failed = sql
      return fault
    }
    this.databases = aroundUserDatabases(this.#store.around)
    this.db = this.databases.DB
    this.objects = aroundObjects(this.#store.around)
  }

  /** Whether the failed call changed a session. */
  get hasChangedSession(): boolean {
    return DONE.has(this.#fault) && /\b(?:INTO|UPDATE) sessions\b/.test(this.failed ?? '')
  }

  get areAtWork(): boolean {
    return this.#store.running > 0
  }

  /** Resumes a hanging call, and waits for the end of an interrupted call. */
  async settle(): Promise<void> {
    this.#store.comeBack()
    await this.#store.settle()
  }
}

const unreachable: AroundCall = () => Promise.reject(new Error('the store is down'))

/** An unreachable D1 database: it prepares statements but runs none. */
export const D1_DOWN = aroundD1(unreachable)

/** An unreachable KV namespace. */
export const KV_DOWN = aroundKv(unreachable)

/** D1 with a list of its calls, without calls that run after the response. */
export function countingD1(): { db: D1Database; statements: string[] } {
  const { databases, statements } = countingDatabases()
  return { db: databases.DB, statements }
}

/** The same with the databases of users. */
export function countingDatabases() {
  const statements: string[] = []
  const databases = aroundUserDatabases((sql, call) => {
    if (!isDeferredWrite(sql)) statements.push(sql)
    return call()
  })
  return { databases, statements }
}
