import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { auditOf } from '../support/audit.ts'
import { breachRowOf, breachScene, CLAIMED, claimsOf, FRESH, REFUSED } from '../support/breaches.ts'
import { TestOperator } from '../support/operator.ts'
import { PASSWORD, TestServer } from '../support/server.ts'

describe('a new password', () => {
  const draft = (password: string) => ({
    pool: 'customers',
    username: `${crypto.randomUUID()}@x.test`,
    password,
  })

  /** An operator whose own password is not checked. */
  async function newOperator(server: TestServer): Promise<TestOperator> {
    return new TestOperator(server, await TestOperator.confirmed(new TestServer({ clock: server.clock })))
  }

  it('a new password is refused if it is breached, for every way to set one, with an audit event', async () => {
    const { server } = await breachScene()
    const operator = await newOperator(server)
    const user = await server.addUser()
    const expectRefused = async (
      path: string,
      body: object,
      { operation, subject }: { operation: string; subject: string | null },
    ) => {
      const { status, body: problem } = await operator.post(path, body)
      expect(problem).toEqual({
        type: 'urn:problem-type:sallyport:invalid-content',
        title: 'The content is not valid',
        status: 422,
        errors: REFUSED,
      })
      expect(status).toBe(422)
      const events = await auditOf({ kind: 'breached_password', actor: operator.id })
      expect(events.at(-1)).toMatchObject({ outcome: 'refused', reason: 'set: in a known breach', subject })
      const { results } = await env.DB.prepare(
        "SELECT change ->> 'operation' AS operation FROM audit_events WHERE actor = ? ORDER BY id DESC LIMIT 1",
      )
        .bind(operator.id)
        .all()
      expect(results).toEqual([{ operation }])
    }
    await expectRefused('/users', draft(PASSWORD), { operation: 'createUser', subject: null })
    const password = { password: PASSWORD }
    await expectRefused(`/users/${user.id}/password`, password, {
      operation: 'setPassword',
      subject: user.id,
    })
    const fresh = { current_password: PASSWORD, password: FRESH }
    operator.tokens = { ...operator.tokens, ...(await operator.post('/me/password', fresh)).body }
    const back = { current_password: FRESH, password: PASSWORD }
    await expectRefused('/me/password', back, { operation: 'changeOwnPassword', subject: operator.id })
  })

  it.each([true, false])(
    'a new password is refused in a row of an import with dry_run %s',
    async (isDryRun) => {
      const { server } = await breachScene()
      const operator = await newOperator(server)
      const rows = [draft(PASSWORD), draft(FRESH)]
      const { body } = await operator.post('/users/import', { rows, dry_run: isDryRun })
      expect(body.results).toMatchObject([
        { status: 'refused', reason: `password: ${REFUSED[0]?.message}` },
        { status: 'created' },
      ])
    },
  )

  it('a new password is not checked again at the first sign-in if it was not breached', async () => {
    const { ranges, server, client } = await breachScene()
    const operator = await newOperator(server)
    const customer = draft(FRESH)
    const { body } = await operator.post('/users', customer)
    expect(await breachRowOf({ id: String(body.id) })).toEqual({
      breach_checked_at: server.clock.time,
      password_breached: 0,
    })
    await server.signIn(client, customer.username, FRESH)
    expect(ranges.asked).toHaveLength(1)
  })

  it('a new password is accepted while the service is down, with an audit event, and is checked at the next sign-in', async () => {
    const { ranges, server, client } = await breachScene()
    const operator = await newOperator(server)
    ranges.fault = () => new Response(null, { status: 500 })
    const customer = draft(PASSWORD)
    const { status, body } = await operator.post('/users', customer)
    expect(status).toBe(201)
    expect(await auditOf({ kind: 'unchecked_password', actor: operator.id })).toMatchObject([
      { outcome: 'ok', reason: 'set: status 500' },
    ])
    expect(await breachRowOf({ id: String(body.id) })).toEqual({
      breach_checked_at: null,
      password_breached: 0,
    })
    ranges.fault = null
    server.clock.time += 30
    expect(claimsOf(await server.signIn(client, customer.username))).toMatchObject(CLAIMED)
  })

  it('a new password can be any uncommon text of 8 characters if config.yml has no `breached_passwords`', async () => {
    const server = new TestServer()
    const operator = await newOperator(server)
    expect((await operator.post('/users', draft('tulip 84'))).status).toBe(201)
    const { status, body } = await operator.post('/users', draft('tulip 8'))
    expect([status, body.errors]).toEqual([
      422,
      [{ path: 'password', message: 'the password is too short: it must have at least 8 characters' }],
    ])
  })
})
