import type { Env } from '../src/services/environment.ts'
import { Argon2id } from '../src/users/argon2.ts'
import worker from '../src/worker.ts'
import { type CountedResponse, NO_COST, subtractCost } from './cost.ts'
import { aroundD1, aroundKv } from './counting_stores.ts'

// wrangler.toml names this class.
export { SessionObject } from '../src/sessions/session_object.ts'

// The Worker with counters around its stores and its cryptography. It handles one request at a time.

/**
 * Each store call is delayed by this time and counted at its end. So a call that the response does not wait for is still
 * in flight when the response is sent.
 */
const STORE_DELAY_MS = 20

const counted = { ...NO_COST }
let countingEnv: Env | null = null
countCryptography()
for (const level of ['info', 'warn', 'error'] as const) countCalls(console, level, () => counted.logLines++)

export default {
  async fetch(request, env, context) {
    countingEnv ??= countStores(env)
    const start = { ...counted }
    const deferred: Promise<unknown>[] = []
    const waitUntil = (work: Promise<unknown>) => deferred.push(work)
    const response = await worker.fetch(request, countingEnv, { ...context, waitUntil } as ExecutionContext)
    const headers = { ...Object.fromEntries(response.headers), 'set-cookie': response.headers.getSetCookie() }
    const sent = { status: response.status, headers, body: await response.text() }
    const atResponse = { ...counted }
    // Deferred work may defer more work, which this loop also awaits.
    for (const work of deferred) await work
    const before = subtractCost(atResponse, start)
    const after = subtractCost(counted, atResponse)
    return Response.json({ ...sent, before, after } satisfies CountedResponse)
  },
} satisfies ExportedHandler<Env>

function countStores(env: Env): Env {
  const bindings: [string, unknown][] = Object.entries(env)
  const databases = bindings.flatMap(([name, binding]) =>
    isDatabase(binding) ? [[name, aroundD1(binding, countD1Call)]] : [],
  )
  return { ...env, ...Object.fromEntries(databases), KV: aroundKv(env.KV, countKvCall) }
}

function isDatabase(binding: unknown): binding is D1Database {
  return typeof binding === 'object' && binding !== null && 'prepare' in binding
}

async function countD1Call(sql: readonly string[], call: () => Promise<D1Result[]>): Promise<D1Result[]> {
  const results = await call()
  await scheduler.wait(STORE_DELAY_MS)
  const reads = sql.filter((statement) => /^\s*select\b/i.test(statement)).length
  counted.d1Calls++
  if (reads < sql.length) counted.d1WriteCalls++
  counted.d1Reads += reads
  counted.d1Writes += sql.length - reads
  for (const [i, { meta }] of results.entries()) {
    counted.d1RowsRead += meta.rows_read
    counted.d1RowsWritten += meta.rows_written
    // A counter row exists already, or serves all events of its minute.
    if (/^\s*insert\b(?!\s+into\s+audit_counters)/i.test(sql[i] ?? '')) counted.d1RowsAdded += meta.changes
  }
  return results
}

async function countKvCall<T>(kind: 'read' | 'write', call: () => Promise<T>): Promise<T> {
  const result = await call()
  await scheduler.wait(STORE_DELAY_MS)
  counted[kind === 'read' ? 'kvReads' : 'kvWrites']++
  return result
}

function countCryptography(): void {
  countCalls(Argon2id.prototype, 'hash', () => counted.argon2++)
  const subtle: SubtleCrypto = Object.getPrototypeOf(crypto.subtle)
  countCalls(subtle, 'digest', () => counted.sha256++)
  countCalls(subtle, 'sign', () => counted.signatures++)
  countCalls(subtle, 'verify', () => counted.verifications++)
}

/** Wraps a method so that it counts its calls. */
function countCalls<T extends object>(prototype: T, method: keyof T & string, count: () => void): void {
  const original = prototype[method] as (...parameters: unknown[]) => unknown
  function counting(this: unknown, ...parameters: unknown[]) {
    count()
    return original.apply(this, parameters)
  }
  Object.defineProperty(prototype, method, { value: counting })
}
