import { env } from 'cloudflare:workers'
import { base64url } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { draft, newUser } from '../support/operation_examples.ts'
import { problem, TestCaller, TestOperator } from '../support/operator.ts'
import { TestServer } from '../support/server.ts'

const LIFETIME = 900
const REUSED = problem(422, 'idempotency-key-reused', 'The Idempotency-Key was used for another request', {
  detail: 'The operation, its path or its body differs, or SEALING_KEY has changed since.',
})

const newKey = () => `"${crypto.randomUUID()}"`

let server: TestServer
let operator: TestOperator
beforeAll(async () => {
  server = new TestServer()
  operator = await TestOperator.signIn(server)
})

function create(body: object, key: string, by = operator) {
  return by.call('POST', '/clients', { body, headers: { 'Idempotency-Key': key } })
}

function addSecret(id: string, key: string, by: TestCaller = operator) {
  return by.call('POST', `/clients/${id}/secrets`, { headers: { 'Idempotency-Key': key } })
}

async function rows(table: string) {
  return (await env.DB.prepare(`SELECT * FROM ${table}`).all()).results
}

const eventsOf = async (id: string) => (await operator.get(`/audit?client_id=${id}`)).body.items as unknown[]

describe('the header Idempotency-Key', () => {
  it('a repeated creation of a client gets the same response with the same secret', async () => {
    const [body, key] = [{ ...draft(), grants: ['client_credentials'] }, newKey()]
    const [first, second] = [await create(body, key), await create(body, key)]
    expect(first.status).toBe(201)
    expect(second.body).toEqual(first.body)
    for (const name of ['ETag', 'Location']) expect(second.headers.get(name)).toBe(first.headers.get(name))
    expect(await eventsOf(body.client_id)).toHaveLength(1)
    const { client_id, client_secret } = first.body
    await server.requireTokens({ grant_type: 'client_credentials', client_id, client_secret })
    const stored = JSON.stringify([await rows('idempotency_keys'), await rows('client_secrets')])
    expect(stored).not.toContain(client_secret)
    expect(stored).not.toContain(key.slice(1, -1))
    const publicKey = newKey()
    const shown = { ...draft(), confidential: false }
    const answers = [await create(shown, publicKey), await create(shown, publicKey)]
    expect(answers.map(({ status, body: { client_secret: secret } }) => [status, secret])).toEqual([
      [201, null],
      [201, null],
    ])
  })

  it('parallel requests with one key create one client and one secret, and get the same secret', async () => {
    const [body, key, other] = [draft(), newKey(), newKey()]
    const made = await Promise.all([1, 2, 3].map(() => create(body, key)))
    expect(new Set(made.map(({ status }) => status))).toEqual(new Set([201]))
    expect(new Set(made.map((answer) => answer.body.client_secret)).size).toBe(1)
    const added = await Promise.all([1, 2, 3].map(() => addSecret(body.client_id, other)))
    expect(new Set(added.map(({ status }) => status))).toEqual(new Set([201]))
    expect(new Set(added.map((answer) => answer.body.client_secret)).size).toBe(1)
    expect((await operator.get(`/clients/${body.client_id}`)).body.secrets).toHaveLength(2)
    expect(await eventsOf(body.client_id)).toHaveLength(2)
  })

  it('a key is refused for another body, another path and another operation', async () => {
    const [body, key] = [draft(), newKey()]
    await create(body, key)
    const { id } = await server.addClient()
    for (const answer of [
      await create({ ...body, name: 'Another name' }, key),
      await addSecret(body.client_id, key),
      await addSecret(id, key),
    ]) {
      expect(answer).toMatchObject({ status: 422, body: REUSED })
    }
    expect((await operator.get(`/clients/${id}`)).body.secrets).toHaveLength(1)
  })

  it('a key belongs to one caller, and a failed request does not use it up', async () => {
    const [body, key] = [draft(), newKey()]
    expect((await create({ ...body, api: 'nowhere' }, key)).status).toBe(422)
    expect((await create(body, key)).status).toBe(201)
    const other = await TestOperator.signIn(server)
    expect((await create(body, key, other)).status).toBe(409)
    expect((await create(draft(), key, other)).status).toBe(201)
  })

  it('a key is new again after 15 minutes, and gives another secret', async () => {
    const { id } = await server.addClient()
    const key = newKey()
    const first = await addSecret(id, key)
    const [, old] = first.body.secrets as { secret_id: string }[]
    await operator.post(`/clients/${id}/secrets/${old?.secret_id}/retire`, {})
    server.clock.time += LIFETIME - 1
    expect((await addSecret(id, key)).body.client_secret).toBe(first.body.client_secret)
    server.clock.time += 1
    const later = await addSecret(id, key)
    expect(later.status).toBe(201)
    expect(later.body.client_secret).not.toBe(first.body.client_secret)
    server.clock.time += LIFETIME - 1
    await server.sweep()
    expect(await rows('idempotency_keys')).toHaveLength(1)
    server.clock.time += 1
    await server.sweep()
    expect(await rows('idempotency_keys')).toHaveLength(0)
  })

  it('a repeat during a change of SEALING_KEY gets the same secret, and after the change it is refused', async () => {
    const secret = base64url.encode(crypto.getRandomValues(new Uint8Array(32)))
    const [{ id }, key] = [await server.addClient(), newKey()]
    const first = await addSecret(id, key)
    const { clock } = server
    const during = new TestServer({ clock, env: { SEALING_KEY_NEXT: secret } })
    const repeat = await addSecret(id, key, new TestCaller(during, operator.tokens))
    expect([repeat.status, repeat.body.client_secret]).toEqual([201, first.body.client_secret])
    await during.cron()
    const after = new TestCaller(new TestServer({ clock, env: { SEALING_KEY: secret } }), operator.tokens)
    for (const path of [id, (await server.addClient()).id])
      expect(await addSecret(path, key, after)).toMatchObject({ status: 422, body: REUSED })
    expect((await after.get(`/clients/${id}`)).body.secrets).toHaveLength(2)
  })

  it('a repeat is refused if the client was deleted, and if another client has its id', async () => {
    const [body, key] = [draft(), newKey()]
    const { headers } = await create(body, key)
    await operator.delete(`/clients/${body.client_id}`, headers.get('ETag'))
    expect((await create(body, key)).status).toBe(404)
    await create(body, newKey())
    const detail = 'The client no longer has the secret that this request created.'
    expect(await create(body, key)).toMatchObject({
      status: 409,
      body: problem(409, 'conflict', 'The state of the record does not allow this', { detail }),
    })
  })

  it('a repeated or parallel creation of a user gets the same user, and another body or password is refused', async () => {
    const [body, key] = [newUser(), newKey()]
    const send = (draft: object) =>
      operator.call('POST', '/users', { body: draft, headers: { 'Idempotency-Key': key } })
    const answers = [...(await Promise.all([send(body), send(body)])), await send(body)]
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201])
    const [first] = answers
    for (const answer of answers) expect(answer.body).toEqual(first?.body)
    expect((await operator.get(`/audit?subject=${first?.body.id}`)).body.items).toHaveLength(1)
    expect(JSON.stringify(await rows('idempotency_keys'))).not.toContain(body.password)
    for (const other of [{ password: 'another battery staple' }, { profile: { name: 'Other' } }])
      expect(await send({ ...body, ...other })).toMatchObject({ status: 422, body: REUSED })
    const taken = await operator.call('POST', '/users', { body, headers: { 'Idempotency-Key': newKey() } })
    expect(taken.status).toBe(409)
  })

  it('a malformed key is refused', async () => {
    const detail = 'Idempotency-Key must be 1 to 255 ASCII characters in double quotes.'
    const refusal = problem(400, 'malformed-request', 'The request cannot be read', { detail })
    for (const key of ['unquoted', '""', `"${'x'.repeat(256)}"`, '"a"b"', '"tab\there"']) {
      expect(await create(draft(), key)).toMatchObject({ status: 400, body: refusal })
    }
  })
})
