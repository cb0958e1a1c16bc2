import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Mail, NoMail } from '../../src/mail/mail.ts'
import type { Spender } from '../../src/mail/mail_budget.ts'
import { aroundD1 } from '../support/around_d1.ts'
import { exampleOf } from '../support/mail_examples.ts'
import { MAIL } from '../support/mail_sink.ts'
import { emptyStores, TestServer } from '../support/server.ts'

const NOTHING: NoMail = { kind: 'nothing', to: 'unknown@example.com', pool: 'customers' }

interface Sending {
  mail?: Mail | NoMail
  address?: string | null
  provenClient?: string | null
  spender?: Spender
}

/** Sends a mail as a handler does, and waits for the work after the response. */
async function send(
  server: TestServer,
  { mail = exampleOf('email_code'), address = null, provenClient = null, spender }: Sending = {},
) {
  server.services.mailer.send(mail, { ...server.context(), address, provenClient }, spender)
  await server.settle()
}

const serverWith = (mail: Record<string, unknown> = {}, changes: Partial<Cloudflare.Env> = {}) =>
  new TestServer({ config: { mail: { ...MAIL, ...mail } }, env: changes })

/** The fields of the log lines of an event. */
function watchLog() {
  const lines: Record<string, unknown>[] = []
  for (const level of ['info', 'warn', 'error'] as const) {
    const spy = vi
      .spyOn(console, level)
      .mockImplementation((line) => void lines.push(JSON.parse(String(line))))
    onTestFinished(() => spy.mockRestore())
  }
  return lines
}

const countRows = async () =>
  (await env.DB.prepare('SELECT count(*) AS n FROM mail_budgets').first<{ n: number }>())?.n

describe('the mailer', () => {
  beforeEach(emptyStores)

  it('a mail is put into the queue after the response, sealed', async () => {
    const server = serverWith()
    const { promise, resolve } = Promise.withResolvers<void>()
    const slow = serverWith({}, { MAIL_QUEUE: { send: () => promise } })
    expect(slow.services.mailer.send(exampleOf('email_code'), slow.context())).toBeUndefined()
    resolve()
    await slow.settle()
    await send(server)
    const [sealed = ''] = server.mails.sealed
    expect(sealed.split('.')).toHaveLength(5)
    expect(sealed).not.toMatch(/zoe|042519/)
    expect(await server.takeMails()).toMatchObject([{ to: 'zoe@example.com', kind: 'email_code' }])
  })

  it('each mail has its own id', async () => {
    const server = serverWith()
    for (let i = 0; i < 3; i++) await send(server)
    const ids = (await server.takeMails()).map(({ id }) => id)
    expect(new Set(ids).size).toBe(3)
    for (const id of ids) expect(id).toMatch(/^msg_[A-Za-z0-9_-]{22}$/)
  })

  it('a queue that is down causes a log line without the address, and no error', async () => {
    const lines = watchLog()
    const queue = { send: () => Promise.reject(new Error('Queue send failed')) }
    await send(serverWith({}, { MAIL_QUEUE: queue }))
    expect(lines).toEqual([
      { level: 'error', event: 'mail_not_queued', kind: 'email_code', cause: 'Error: Queue send failed' },
    ])
  })

  it('without mail in config.yml no mail is sent and no row is written', async () => {
    const server = new TestServer()
    await send(server)
    expect([server.mails.sealed, await countRows()]).toEqual([[], 0])
  })

  it.each([
    'zoe@example.com\r\nBcc: eve@example.com',
    'zoe@example.com,eve@example.com',
    '<zoe@example.com>',
    '',
  ])('no mail is sent to an invalid address: %j', async (to) => {
    const server = serverWith()
    await send(server, { mail: exampleOf('email_code', { to }) })
    expect(server.mails.sealed).toEqual([])
  })

  it('an unknown address writes the same rows as a known one, and gets no mail', async () => {
    let written: number[] = []
    const DB = aroundD1(async (_sql, call) => {
      const result: unknown = await call()
      written.push(...([result].flat() as D1Result[]).map(({ meta }) => meta.rows_written))
      return result as Awaited<ReturnType<typeof call>>
    })
    const server = serverWith({}, { DB })
    const costs: number[][] = []
    for (const mail of [exampleOf('reset_password'), NOTHING, exampleOf('reset_password'), NOTHING]) {
      written = []
      await send(server, { mail, address: mail === NOTHING ? '192.0.2.2' : '192.0.2.1' })
      costs.push(written)
    }
    // The rows of sender, address and pool, each with its index entry.
    expect(costs).toEqual(Array.from({ length: 4 }, () => [2, 2, 2]))
    expect(await server.takeMails()).toHaveLength(2)
  })
})

describe('the budgets of mails', () => {
  beforeEach(emptyStores)

  it('of 40 parallel requests in two isolates an address gets five mails, and five more after an hour', async () => {
    const lines = watchLog()
    const server = serverWith()
    const isolates = [server, server.anotherIsolate()]
    const sendAll = async () => {
      const requests = Array.from({ length: 40 }, (_, i) => {
        const to = i % 3 === 0 ? 'Zoe@Example.com' : 'zoe@example.com'
        return send(isolates[i % 2] ?? server, {
          mail: exampleOf('email_code', { to }),
          address: `192.0.2.${i}`,
        })
      })
      await Promise.all(requests)
      return (await server.takeMails()).length
    }
    expect(await sendAll()).toBe(5)
    expect(lines.filter(({ event }) => event === 'mail_over_budget')).toEqual(
      Array.from({ length: 35 }, () => ({
        level: 'warn',
        event: 'mail_over_budget',
        kind: 'email_code',
        budget: 'address',
      })),
    )
    server.clock.time += 3599
    expect(await sendAll()).toBe(0)
    server.clock.time += 1
    expect(await sendAll()).toBe(5)
  })

  it('a sender has a budget for all addresses, and a mail above it uses no budget of its address', async () => {
    const server = serverWith({ budgets: { sender: 3 } })
    for (let i = 0; i < 10; i++) {
      const to = i < 3 ? `u${i}@example.com` : 'zoe@example.com'
      await send(server, { mail: exampleOf('email_code', { to }), address: '192.0.2.1' })
    }
    expect(await server.takeMails()).toHaveLength(3)
    for (let i = 0; i < 6; i++) await send(server, { address: `192.0.2.${i + 2}` })
    expect(await server.takeMails()).toHaveLength(5)
  })

  it.each([
    ['an IPv6 /64', 3, () => `2001:db8:0:0::/64`],
    ['an IPv6 /56', 12, (i: number) => `2001:db8:0:${(i % 256).toString(16)}::/64`],
    ['an IPv6 /48', 48, (i: number) => `2001:db8:0:${(i * 256).toString(16)}::/64`],
  ])(
    '%s has a budget for all its senders, and uses up none of a pool above it',
    async (_network, limit, senderOf) => {
      const server = serverWith({ budgets: { sender: 3, pool: 49 } })
      const sendTo = (to: string, address: string) =>
        send(server, { mail: exampleOf('email_code', { to }), address })
      for (let i = 0; i < 60; i++) await sendTo(`u${i}@example.com`, senderOf(i))
      expect(await server.takeMails()).toHaveLength(limit)
      for (let i = limit; i < 49; i++) await sendTo(`v${i}@example.com`, `192.0.2.${i}`)
      expect(await server.takeMails()).toHaveLength(49 - limit)
    },
  )

  it('a client that authenticates has a budget of its own, in place of that of its address', async () => {
    const server = serverWith({ budgets: { sender: 3, client: 8 } })
    const address = '192.0.2.1'
    const sendAll = async (name: string, provenClient: string | null) => {
      for (let i = 0; i < 12; i++) {
        const mail = exampleOf('email_code', { to: `${name}${i}@example.com` })
        await send(server, { mail, address, provenClient })
      }
      return (await server.takeMails()).length
    }
    expect(await sendAll('a', null)).toBe(3)
    expect(await sendAll('b', 'shop')).toBe(8)
    expect(await sendAll('c', 'another-shop')).toBe(8)
    expect(await sendAll('d', null)).toBe(0)
  })

  it('an address has one budget for all clients and senders', async () => {
    const server = serverWith()
    for (const provenClient of ['shop', 'another-shop', null])
      for (let i = 0; i < 3; i++) await send(server, { address: '192.0.2.1', provenClient })
    expect(await server.takeMails()).toHaveLength(5)
  })

  it('requests of other browsers use up no budget of the pool for browsers that signed in before', async () => {
    const server = serverWith({ budgets: { pool: 7 } })
    const sendAll = async (spender: Spender) => {
      for (let i = 0; i < 10; i++)
        await send(server, { mail: exampleOf('email_code', { to: `u${i}@example.com` }), spender })
      return (await server.takeMails()).length
    }
    expect([await sendAll({}), await sendAll({ device: 'd1' }), await sendAll({})]).toEqual([7, 7, 0])
  })

  it('a pool has a budget for all addresses and senders, and an address without a budget uses none of it', async () => {
    const server = serverWith({ budgets: { pool: 7 } })
    for (let i = 0; i < 20; i++) await send(server)
    for (let i = 0; i < 10; i++)
      await send(server, { mail: exampleOf('email_code', { to: `u${i}@example.com` }) })
    expect(await server.takeMails()).toHaveLength(7)
  })

  it('a browser that signed in before has its own budget', async () => {
    const server = serverWith()
    for (let i = 0; i < 10; i++) await send(server)
    for (let i = 0; i < 10; i++) await send(server, { spender: { device: 'd1' } })
    expect(await server.takeMails()).toHaveLength(10)
  })

  it('requests cannot suppress a notification, and notifications have a budget of their own', async () => {
    const server = serverWith()
    for (let i = 0; i < 10; i++) await send(server)
    await server.takeMails()
    for (let i = 0; i < 30; i++) await send(server, { mail: exampleOf('password_changed') })
    expect(await server.takeMails()).toHaveLength(20)
  })

  it('requests above a budget write no row, and the rows have no address', async () => {
    let written = 0
    const DB = aroundD1(async (_sql, call) => {
      const result: unknown = await call()
      for (const { meta } of [result].flat() as D1Result[]) written += meta.rows_written
      return result as Awaited<ReturnType<typeof call>>
    })
    const server = serverWith({}, { DB })
    for (let i = 0; i < 5; i++) await send(server)
    const before = written
    for (let i = 0; i < 30; i++) await send(server)
    expect(written - before).toBe(0)
    const { results } = await env.DB.prepare('SELECT * FROM mail_budgets').all()
    expect(JSON.stringify(results)).not.toMatch(/zoe|example|customers/)
  })

  it('while D1 is down a requested mail is lost, and a notification is sent', async () => {
    const lines = watchLog()
    const DB = aroundD1((sql, call) => {
      if (sql.includes('mail_budgets')) throw new Error('D1 is down')
      return call()
    })
    const server = serverWith({}, { DB })
    await send(server)
    await send(server, { mail: exampleOf('token_theft') })
    expect((await server.takeMails()).map(({ kind }) => kind)).toEqual(['token_theft'])
    const cause = 'StorageUnavailable: D1 mail_budgets: Error: D1 is down'
    expect(lines).toEqual([
      { level: 'error', event: 'mail_not_queued', kind: 'email_code', cause },
      { level: 'error', event: 'mail_budget_unavailable', kind: 'token_theft', cause },
    ])
  })

  it('the sweep removes the budgets at their end', async () => {
    const server = serverWith()
    await send(server, { address: '192.0.2.1' })
    server.clock.time += 3599
    await server.sweep()
    expect(await countRows()).toBe(3)
    server.clock.time += 1
    await server.sweep()
    expect(await countRows()).toBe(0)
  })
})
