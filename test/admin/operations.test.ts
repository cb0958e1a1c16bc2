import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { OPERATIONS } from '../../src/admin/operations.ts'
import { ADMIN_SCOPES } from '../../src/oauth/admin_scope.ts'
import { WITH_MAIL } from '../support/mail_sink.ts'
import { draft, EXAMPLES, NEW_PASSWORD, newUser } from '../support/operation_examples.ts'
import { type AdminAnswer, callAdmin, TestOperator } from '../support/operator.ts'
import { ISSUER, PASSWORD, TestServer } from '../support/server.ts'

/** A second rotation of keys, or sealing under the present secret, changes nothing. */
const MAY_CHANGE_NOTHING = ['verifyHash', 'rotateKeys', 'resealKeys']

async function eventsAfter(id: number) {
  const select = env.DB.prepare('SELECT * FROM audit_events WHERE id > ? AND actor IS NOT NULL').bind(id)
  return (await select.all<Record<string, unknown>>()).results
}

async function lastEvent(): Promise<number> {
  return (await env.DB.prepare('SELECT max(id) AS id FROM audit_events').first<number>('id')) ?? 0
}

async function run(
  id: string,
  server: TestServer,
  operator: TestOperator,
  maker = operator,
): Promise<AdminAnswer> {
  const operation = OPERATIONS.find((candidate) => candidate.id === id)
  const example = await EXAMPLES[id]?.(server, maker)
  if (!operation || !example) throw new Error(`no operation ${id}`)
  if (operation.confirmation !== undefined && operator === maker) await operator.confirm()
  return operator.call(operation.method, example.path, example)
}

const TABLE = OPERATIONS.map(({ id, ...operation }) => [id, operation] as const)

describe('each operation of the admin API', () => {
  it('each operation has an example', () => {
    expect(Object.keys(EXAMPLES).sort()).toEqual(OPERATIONS.map(({ id }) => id).sort())
  })

  it.each(TABLE)('an admin gets the documented response: %s', async (id, { status, response: schema }) => {
    const server = new TestServer(WITH_MAIL)
    const { body, ...response } = await run(id, server, await TestOperator.signIn(server))
    expect([response.status, body]).toEqual([status, schema ? expect.anything() : {}])
    expect(schema?.safeParse(body).error).toBeUndefined()
    expect(response.headers.get('Cache-Control')).toBe('no-store, no-transform')
    expect(response.headers.get('Content-Type')).toBe(schema ? 'application/json' : null)
    expect(response.headers.get('X-Content-Type-Options')).toBe('nosniff')
  })

  it.each(TABLE)('support is allowed or refused as the role says: %s', async (id, { role, status }) => {
    const server = new TestServer(WITH_MAIL)
    const admin = await TestOperator.signIn(server)
    const support = await TestOperator.signIn(server, ['support'])
    const before = await lastEvent()
    const answer = await run(id, server, support, admin)
    expect(answer.status).toBe(role === 'admin' ? 403 : status)
    const own = (await eventsAfter(before)).filter((event) => event.actor === support.id)
    if (role === 'admin') {
      expect(answer.body).toMatchObject({ type: 'urn:problem-type:sallyport:role-missing' })
      expect(answer.headers.get('Content-Type')).toBe('application/problem+json')
      expect(own).toEqual([])
    }
  })

  it.each(TABLE)('a change writes one audit event with actor and target: %s', async (id, operation) => {
    const server = new TestServer(WITH_MAIL)
    const operator = await TestOperator.signIn(server)
    const example = await EXAMPLES[id]?.(server, operator)
    if (operation.confirmation !== undefined) await operator.confirm()
    const before = await lastEvent()
    await operator.call(operation.method, example?.path ?? '', example)
    const events = await eventsAfter(before)
    const isAudited = operation.method !== 'GET' || operation.confirmation !== undefined
    if (!isAudited) return expect(events).toEqual([])
    if (MAY_CHANGE_NOTHING.includes(id) && events.length === 0) return
    const who = { outcome: 'ok', actor: operator.id, actor_client: operator.client.id }
    expect(events).toEqual([expect.objectContaining(who)])
    const [event] = events
    if (event?.kind !== 'key') expect(JSON.parse(String(event?.change))).toMatchObject({ operation: id })
  })
})

describe('the OpenAPI document', () => {
  let document: Record<string, unknown>

  beforeAll(async () => {
    const answer = await callAdmin(new TestServer(WITH_MAIL), '/openapi.json')
    expect([answer.status, answer.headers.get('Cache-Control')]).toEqual([200, 'no-store, no-transform'])
    document = answer.body
  })

  it('the document is OpenAPI 3.1 with the address and the security of this server', () => {
    expect(document).toMatchObject({
      openapi: '3.1.0',
      info: { title: 'Sallyport admin API', version: '1' },
      servers: [{ url: `${ISSUER}/admin/api` }],
      components: {
        securitySchemes: {
          operator: { type: 'oauth2' },
          service_account: { type: 'oauth2', flows: { clientCredentials: { scopes: ADMIN_SCOPES } } },
        },
      },
    })
  })

  it('the document names the role and the scope of every operation', () => {
    const paths = document.paths as Record<string, Record<string, Record<string, unknown>>>
    const shown = OPERATIONS.map(({ method, path }) => paths[path]?.[method.toLowerCase()])
    expect(shown.map((operation) => operation?.security)).toEqual(
      OPERATIONS.map(({ scope }) => [{ operator: [] }, ...(scope ? [{ service_account: [scope] }] : [])]),
    )
    expect(paths['/users']?.get?.description).toBe(
      'An operator needs the role support or admin. A service account needs the scope users:read.',
    )
    expect(paths['/keys/{kid}']?.delete?.description).toBe(
      'An operator needs the role admin. Service accounts cannot call it.',
    )
  })

  it('the document lists every operation with a unique name', () => {
    const paths = Object.values(document.paths as Record<string, Record<string, { operationId: string }>>)
    const ids = paths.flatMap((path) => Object.values(path).map(({ operationId }) => operationId))
    expect(ids.sort()).toEqual(Object.keys(EXAMPLES).sort())
  })

  it('every reference resolves, and every path parameter is named', () => {
    const text = JSON.stringify(document)
    const { schemas } = document.components as { schemas: Record<string, unknown> }
    const references = [...text.matchAll(/"\$ref":"([^"]*)"/g)].map(([, reference = '']) => reference)
    expect(references.length).toBeGreaterThan(30)
    expect(
      references.filter((reference) => !(reference.replace('#/components/schemas/', '') in schemas)),
    ).toEqual([])
    for (const [path, operations] of Object.entries(document.paths as Record<string, object>)) {
      const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      for (const { parameters } of Object.values(operations)) {
        const declared = parameters.filter((parameter: { in: string }) => parameter.in === 'path')
        expect(declared.map(({ name }: { name: string }) => name)).toEqual(names)
      }
    }
  })
})

describe('the output of the admin API', () => {
  it('no response, log line or audit event has a password, secret, hash, token or name, except a new secret once', async () => {
    const lines: string[] = []
    const spies = (['info', 'warn', 'error'] as const).map((level) =>
      vi.spyOn(console, level).mockImplementation((line: string) => lines.push(line)),
    )
    const server = new TestServer(WITH_MAIL)
    const operator = await TestOperator.signIn(server)
    await operator.confirm()
    const name = `Named ${crypto.randomUUID()}`
    const made = await operator.post('/clients', { ...draft(), name })
    const secret = String(made.body.client_secret)
    const { client_secret: _shown, ...rest } = made.body
    const answers: unknown[] = [rest]
    const read = async (pending: Promise<AdminAnswer>) => answers.push((await pending).body)
    await read(operator.get(`/clients/${made.body.client_id}`))
    await read(operator.get(`/clients?q=${made.body.client_id}`))
    const username = `${crypto.randomUUID()}@example.com`
    const profile = { name, email: username }
    const user = await operator.post('/users', { ...newUser(), username, profile, password: NEW_PASSWORD })
    await operator.patch(`/users/${user.body.id}`, { profile: { name: `${name} II` } }, '"1"')
    await operator.post(`/users/${user.body.id}/password`, { password: NEW_PASSWORD })
    await operator.post('/me/password', { current_password: 'mistyped horse', password: NEW_PASSWORD })
    await operator.post('/users', { ...newUser(), password: 7, secret: NEW_PASSWORD })
    await operator.post('/users/import', {
      rows: [
        { ...newUser(), username },
        { ...newUser(), password: '' },
      ],
    })
    await read(operator.get('/audit?limit=100'))
    for (const spy of spies) spy.mockRestore()
    const { results } = await env.DB.prepare('SELECT * FROM audit_events').all()
    const written = [...lines, ...[...results, ...answers].map((row) => JSON.stringify(row))].join('\n')
    expect(lines.length).toBeGreaterThan(0)
    for (const text of [
      secret,
      NEW_PASSWORD,
      PASSWORD,
      'mistyped horse',
      operator.tokens.access_token,
      '$argon2id$',
    ])
      expect(written).not.toContain(text)
    const trail = [...lines, ...results.map((row) => JSON.stringify(row))].join('\n')
    for (const text of [username, name, operator.username]) expect(trail).not.toContain(text)
    const { results: hashes } = await env.DB.prepare('SELECT secret_hash FROM client_secrets').all()
    for (const { secret_hash } of hashes) expect(written).not.toContain(String(secret_hash))
  })
})
