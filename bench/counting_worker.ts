import type { AuditMessage } from '../src/audit/audit_message.ts'
import type { Env } from '../src/services/environment.ts'
import { SessionObject as MeasuredObject } from '../src/sessions/session_object.ts'
import { Argon2id } from '../src/users/argon2.ts'
import worker from '../src/worker.ts'
import { type CountedResponse, DELIVERY_PATH, NO_COST, subtractCost } from './cost.ts'
import { aroundD1, aroundKv } from './counting_stores.ts'
import { deliver } from './delivery.ts'

// The Worker with counters around its stores and its cryptography. It handles one request at a time.

/**
 * Each call to D1 and KV is delayed by this time and counted at its end. So a call that the response does not wait for is still
 * in flight when the response is sent.
 */
const STORE_DELAY_MS = 20

const counted = { ...NO_COST }
const messages: AuditMessage[] = []
/** The names of the session objects of the current request. */
const usedObjects = new Set<string>()
const cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = []
let countingEnv: Env | null = null
countCryptography()
for (const level of ['info', 'warn', 'error'] as const) countCalls(console, level, () => counted.logLines++)

/** A session object in the isolate of the Worker, so that one set of counters has both. */
export class SessionObject extends MeasuredObject {
  constructor(context: DurableObjectState, env: Env) {
    countRows(context.storage.sql)
    super(context, countDatabases(env))
  }

  override async run(batch: Parameters<MeasuredObject['run']>[0]) {
    if (this.ctx.id.name !== undefined) usedObjects.add(this.ctx.id.name)
    counted.objectCalls++
    return super.run(batch)
  }

  /** Does now what the alarm does a few seconds later. The price model has its calls, which all sessions of that time share. */
  async settle(): Promise<void> {
    const { d1Calls, d1WriteCalls } = counted
    await this.alarm()
    Object.assign(counted, { d1Calls, d1WriteCalls })
  }
}

export default {
  async fetch(request, env, context) {
    countingEnv ??= countStores(env)
    if (new URL(request.url).pathname === DELIVERY_PATH)
      return deliver(request, messages, { env: countingEnv, context, total })
    usedObjects.clear()
    const start = total()
    const deferred: Promise<unknown>[] = []
    const waitUntil = (work: Promise<unknown>) => deferred.push(work)
    const response = await worker.fetch(request, countingEnv, { ...context, waitUntil } as ExecutionContext)
    const headers = { ...Object.fromEntries(response.headers), 'set-cookie': response.headers.getSetCookie() }
    const sent = { status: response.status, headers, body: await response.text() }
    const atResponse = total()
    // Deferred work may defer more work, which this loop also awaits.
    for (const work of deferred) await work
    await settleObjects(env)
    const before = subtractCost(atResponse, start)
    const after = subtractCost(total(), atResponse)
    return Response.json({ ...sent, before, after } satisfies CountedResponse)
  },

  /** Mails arrive in the inbox, from which an operation reads its code. */
  queue: worker.queue,
} satisfies ExportedHandler<Env>

/** Runs the alarm of each used object that still has rows for D1. */
async function settleObjects({ SESSION_OBJECTS }: Env): Promise<void> {
  const objects = SESSION_OBJECTS as unknown as DurableObjectNamespace<SessionObject> | undefined
  for (const name of usedObjects) await objects?.getByName(name).settle()
}

function total() {
  const rows = (name: 'rowsRead' | 'rowsWritten') => cursors.reduce((sum, cursor) => sum + cursor[name], 0)
  return { ...counted, objectRowsRead: rows('rowsRead'), objectRowsWritten: rows('rowsWritten') }
}

/** Remembers the cursor of each statement, which counts rows until its end. */
function countRows(sql: SqlStorage): void {
  const prototype: SqlStorage = Object.getPrototypeOf(sql)
  if (Object.hasOwn(prototype.exec, 'isCounting')) return
  const original = prototype.exec
  function exec(this: SqlStorage, ...parameters: Parameters<SqlStorage['exec']>) {
    const cursor = original.apply(this, parameters)
    cursors.push(cursor)
    return cursor
  }
  Object.defineProperty(prototype, 'exec', { value: Object.assign(exec, { isCounting: true }) })
}

function countStores(env: Env): Env {
  const AUDIT_QUEUE: Env['AUDIT_QUEUE'] = {
    async send(message) {
      counted.queueMessages++
      messages.push(message)
    },
  }
  return { ...countDatabases(env), KV: aroundKv(env.KV, countKvCall), AUDIT_QUEUE }
}

function countDatabases(env: Env): Env {
  const bindings: [string, unknown][] = Object.entries(env)
  const databases = bindings.flatMap(([name, binding]) =>
    isDatabase(binding) ? [[name, aroundD1(binding, countD1Call)]] : [],
  )
  return { ...env, ...Object.fromEntries(databases) }
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
