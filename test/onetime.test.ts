import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod/mini'
import { randomId } from '../src/lib/bytes.ts'
import { aroundD1 } from './support/around_d1.ts'
import { emptyStores, TestServer } from './support/server.ts'

const schema = z.object({ subject: z.string() })
const data = { subject: 'user:1' }
const link = { kind: 'link', data, lifetimeSeconds: 1800 } as const
const emailCode = { kind: 'email_code', data, lifetimeSeconds: 600, code: '042519' } as const

const readRows = async () => (await env.DB.prepare('SELECT * FROM one_time_values').all()).results

describe('one-time values', () => {
  beforeAll(emptyStores)

  it('of 40 parallel uses in two isolates, exactly one gets the data', async () => {
    const server = new TestServer()
    const isolates = [server, server.anotherIsolate()]
    const now = server.clock.time
    const token = await server.services.oneTime.create(link, now)
    const uses = Array.from({ length: 40 }, (_, i) =>
      isolates[i % 2]?.services.oneTime.use({ kind: 'link', token }, schema, now),
    )
    const results = await Promise.all(uses)
    expect(results.filter((result) => result !== null)).toEqual([data])
  })

  it('of 40 parallel tries with the right code, exactly one uses the code', async () => {
    const { services, clock } = new TestServer()
    const token = await services.oneTime.create({ ...emailCode, maxTries: 100 }, clock.time)
    const attempt = { kind: 'email_code', token, code: emailCode.code } as const
    const results = await Promise.all(
      Array.from({ length: 40 }, () => services.oneTime.tryCode(attempt, schema, clock.time)),
    )
    expect(results.filter(({ outcome }) => outcome === 'right')).toEqual([{ outcome: 'right', data }])
    expect(results.filter(({ outcome }) => outcome === 'gone')).toHaveLength(39)
  })

  it('of 40 parallel wrong codes, only five are compared', async () => {
    const { services, clock } = new TestServer()
    const token = await services.oneTime.create(emailCode, clock.time)
    const attempt = (code: string) =>
      services.oneTime.tryCode({ kind: 'email_code', token, code }, schema, clock.time)
    const results = await Promise.all(Array.from({ length: 40 }, (_, i) => attempt(String(100_000 + i))))
    const wrong = results.flatMap((result) => (result.outcome === 'wrong' ? [result] : []))
    expect(wrong.map(({ triesLeft }) => triesLeft).sort()).toEqual([0, 1, 2, 3, 4])
    expect(wrong.map((result) => result.data)).toEqual(Array.from({ length: 5 }, () => data))
    expect(await attempt(emailCode.code)).toEqual({ outcome: 'gone' })
  })

  it('a value is found until its end or its use, and only under its kind and its token', async () => {
    const { services, clock } = new TestServer()
    const { oneTime } = services
    const now = clock.time
    const token = await oneTime.create(link, now)
    expect(await oneTime.find({ kind: 'link', token }, schema, now + 1799)).toEqual(data)
    for (const [reference, at] of [
      [{ kind: 'link', token }, now + 1800],
      [{ kind: 'auth_session', token }, now],
      [{ kind: 'link', token: token.replace(/./, (first) => (first === 'A' ? 'B' : 'A')) }, now],
      [{ kind: 'link', token: `${token}=` }, now],
      [{ kind: 'link', token: '' }, now],
    ] as const) {
      expect(await oneTime.find(reference, schema, at)).toBeNull()
      expect(await oneTime.use(reference, schema, at)).toBeNull()
      expect(await oneTime.tryCode({ ...reference, code: '' }, schema, at)).toEqual({ outcome: 'gone' })
    }
    expect(await oneTime.use({ kind: 'link', token }, schema, now + 1799)).toEqual(data)
    expect(await oneTime.find({ kind: 'link', token }, schema, now + 1799)).toBeNull()
  })

  it('a value with a code cannot be used without the code', async () => {
    const { services, clock } = new TestServer()
    const token = await services.oneTime.create(emailCode, clock.time)
    const reference = { kind: 'email_code', token } as const
    expect(await services.oneTime.use(reference, schema, clock.time)).toBeNull()
    expect(await services.oneTime.replace(reference, link, clock.time)).toBeNull()
    expect(await services.oneTime.find(reference, schema, clock.time)).toEqual(data)
  })

  it('of parallel replacements of a value, exactly one stores the next value', async () => {
    await emptyStores()
    const { services, clock } = new TestServer()
    const { oneTime } = services
    const session = (step: number) =>
      ({ kind: 'auth_session', data: { subject: `user:${step}` }, lifetimeSeconds: 600 }) as const
    const token = await oneTime.create(session(0), clock.time)
    const tokens = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        oneTime.replace({ kind: 'auth_session', token }, session(i), clock.time),
      ),
    )
    const [next = ''] = tokens.filter((replaced) => replaced !== null)
    expect(tokens.filter((replaced) => replaced !== null)).toHaveLength(1)
    expect(await readRows()).toHaveLength(2)
    const step = tokens.indexOf(next)
    expect(await oneTime.use({ kind: 'auth_session', token: next }, schema, clock.time)).toEqual({
      subject: `user:${step}`,
    })
  })

  it('a row contains neither the token nor the code nor the data, and its data does not open in another row', async () => {
    await emptyStores()
    const { services, clock } = new TestServer()
    const tokens = [
      await services.oneTime.create(emailCode, clock.time),
      await services.oneTime.create(emailCode, clock.time),
    ]
    const rows = await readRows()
    const text = JSON.stringify(rows)
    for (const secret of [...tokens, emailCode.code, data.subject]) expect(text).not.toContain(secret)
    expect(new Set(rows.map((row) => row.code_hash)).size).toBe(2)
    await env.DB.prepare(
      'UPDATE one_time_values SET sealed = (SELECT min(sealed) FROM one_time_values)',
    ).run()
    const tries = tokens.map((token) =>
      services.oneTime.tryCode({ ...emailCode, token }, schema, clock.time).catch((error) => error.name),
    )
    expect(new Set(await Promise.all(tries))).toEqual(new Set([{ outcome: 'right', data }, 'CorruptRecord']))
  })

  it('a code from before a change of SEALING_KEY works during the change', async () => {
    const { services, clock } = new TestServer()
    const token = await services.oneTime.create(emailCode, clock.time)
    const changing = new TestServer({
      clock,
      env: { SEALING_KEY_NEXT: btoa('x'.repeat(32)).replace(/=+$/, '') },
    })
    const attempt = { ...emailCode, token }
    expect(await changing.services.oneTime.tryCode(attempt, schema, clock.time)).toEqual({
      outcome: 'right',
      data,
    })
  })

  it('a value costs two rows, a try and a use one row, and an unknown token none', async () => {
    let written = 0
    const DB = aroundD1(async (_sql, call) => {
      const result = await call()
      for (const part of [result].flat() as (Partial<D1Result> | null)[])
        written += part?.meta?.rows_written ?? 0
      return result
    })
    const { services, clock } = new TestServer({ env: { DB } })
    const { oneTime } = services
    const costOf = async (work: () => Promise<unknown>) => {
      const before = written
      await work()
      return written - before
    }
    const reference = { kind: 'auth_session', token: '' } as const
    const { token, statement } = await oneTime.prepare({ ...link, kind: 'auth_session' }, clock.time)
    expect(await costOf(() => statement.run())).toBe(2)
    expect(await costOf(() => oneTime.replace({ ...reference, token }, link, clock.time))).toBe(3)
    for (const other of ['', randomId(32)])
      expect(await costOf(() => oneTime.replace({ ...reference, token: other }, link, clock.time))).toBe(0)
  })

  it('the sweep removes values at their end', async () => {
    await emptyStores()
    const server = new TestServer()
    await server.services.oneTime.create(link, server.clock.time)
    server.clock.time += 1799
    await server.sweep()
    expect(await readRows()).toHaveLength(1)
    server.clock.time += 1
    await server.sweep()
    expect(await readRows()).toHaveLength(0)
  })
})
