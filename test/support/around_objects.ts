import type { SessionObjectNamespace } from '../../src/sessions/remote_object_store.ts'
import { type AroundCall, FAILING } from './around_d1.ts'
import { type ObjectStub, sessionObjects } from './session_objects.ts'

type Batch = Parameters<ObjectStub['run']>[0]

/** The text for a refresh that the object runs. An object has no other statement with this text. */
export const REFRESH = 'UPDATE sessions (a refresh in the object)'

/** The text for a number of refreshes in one call. */
export const refreshesText = (count: number) => `UPDATE sessions (${count} refreshes in the object)`

/** The text for the reads of an object before a refresh. */
export const PREPARE = 'the lists of an object'

/** The session objects, with wrapped calls. A call is one batch of statements, or the refreshes that the object runs. */
export function aroundObjects(around: AroundCall): SessionObjectNamespace {
  return new Proxy(sessionObjects(), {
    get(target, property) {
      const member = Reflect.get(target, property).bind(target)
      if (property !== 'getByName') return member
      return (...parameters: Parameters<typeof target.getByName>) =>
        wrapStub(target.getByName(...parameters), around)
    },
  })
}

function wrapStub(
  stub: ObjectStub,
  around: AroundCall,
): Pick<ObjectStub, 'run' | 'refresh' | 'refreshAll' | 'prepare'> {
  const refresh = (use: Parameters<ObjectStub['refresh']>[0]) =>
    around(REFRESH, async () => stub.refresh(use))
  const refreshAll = (uses: Parameters<ObjectStub['refreshAll']>[0]) =>
    around(refreshesText(uses.length), async () => stub.refreshAll(uses))
  const prepare = (now: number) => around(PREPARE, async () => stub.prepare(now))
  const run = (batch: Batch) => {
    const sql = batch.statements.map((statement) => statement.sql).join(';\n')
    return around(
      sql,
      async () => stub.run(batch),
      async () => stub.run(broken(batch)),
    )
  }
  return {
    run: run as ObjectStub['run'],
    refresh: refresh as ObjectStub['refresh'],
    refreshAll: refreshAll as ObjectStub['refreshAll'],
    prepare: prepare as ObjectStub['prepare'],
  }
}

/** The batch with a statement that fails after the first one. */
function broken({ statements: [first, ...rest], ...batch }: Batch): Batch {
  if (first === undefined) throw new Error('an empty batch')
  return { ...batch, statements: [first, { sql: FAILING, values: [] }, ...rest] }
}
