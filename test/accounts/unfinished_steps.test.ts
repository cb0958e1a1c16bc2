import { beforeEach, describe, expect, it } from 'vitest'
import { SECOND_FACTOR_WAIT_SECONDS } from '../../src/accounts/notifications.ts'
import { addReader } from '../support/account_links.ts'
import { auditOf } from '../support/audit.ts'
import { begin, STEP_CLIENT, step } from '../support/challenge.ts'
import { MAIL } from '../support/mail_sink.ts'
import { wrongOf } from '../support/mailed_codes.ts'
import { takeKinds } from '../support/notifications.ts'
import { enrol, type TestApp } from '../support/second_factor.ts'
import { emptyStores, PASSWORD, type TestClient, TestServer } from '../support/server.ts'

let server: TestServer
let shop: TestClient

beforeEach(async () => {
  await emptyStores()
  server = new TestServer({ config: { mail: MAIL, accounts: { customers: { second_factor: 'optional' } } } })
  shop = await server.addClient(STEP_CLIENT)
})

type EnrolledUser = TestApp & { recoveryCodes: readonly string[] }

/** A user with an app, after the mails about it. */
async function addEnrolled() {
  const app = await enrol(server, await addReader(server))
  await server.settle()
  await server.takeMails()
  return app
}

const later = async () => {
  server.clock.time += SECOND_FACTOR_WAIT_SECONDS
  return (await server.takeDelayedMails()).map(({ kind }) => kind)
}

/** Sends the right password of a user, in the first or in a later step. */
async function sendPassword(username: string, isFirst: boolean) {
  const password = { username, password: PASSWORD }
  if (isFirst) return step(server, shop, password)
  const { auth_session } = await begin(server, shop)
  return step(server, shop, { auth_session, ...password })
}

describe('a right password in a sign-in in steps', () => {
  it.each([
    { name: 'an app', mails: [], status: 200, inputOf: totpOf },
    {
      name: 'a recovery code',
      mails: [],
      status: 200,
      inputOf: async ({ recoveryCodes: [recovery_code] }: EnrolledUser) => ({ recovery_code }),
    },
    {
      name: 'a wrong code',
      mails: ['more_needed'],
      status: 400,
      inputOf: async (app: EnrolledUser) => ({ totp: wrongOf((await totpOf(app)).totp) }),
    },
    { name: 'nothing', mails: ['more_needed'], status: 400, inputOf: async () => ({}) },
  ])(
    'in steps, $name follows the right password, so the mails five minutes later are $mails',
    async (way) => {
      for (const isFirst of [true, false]) {
        const app = await addEnrolled()
        const { next, auth_session } = await sendPassword(app.user.username, isFirst)
        expect(next).toEqual(['totp', 'recovery_code'])
        const reply = await step(server, shop, { auth_session, ...(await way.inputOf(app)) })
        expect(reply.status).toBe(way.status)
        await server.settle()
        expect((await takeKinds(server)).filter((kind) => kind === 'more_needed')).toEqual([])
        expect(await later()).toEqual(way.mails)
        const events = await auditOf({ kind: 'notification', subject: app.user.id })
        const sent = events.filter(({ reason }) => reason.startsWith('a right password without'))
        expect(sent).toHaveLength(way.mails.length)
      }
    },
  )

  it('a wrong password in steps sends no mail, and neither does a password without a second factor', async () => {
    const app = await addEnrolled()
    expect((await step(server, shop, { username: app.user.username, password: 'wrong' })).status).toBe(400)
    expect((await sendPassword((await addReader(server)).username, true)).status).toBe(200)
    expect([await takeKinds(server), await later()]).toEqual([[], []])
  })

  it('of parallel steps with one auth_session and the right password, one sends a mail', async () => {
    const { user } = await addEnrolled()
    const { auth_session } = await begin(server, shop)
    const input = { auth_session, username: user.username, password: PASSWORD }
    const replies = await Promise.all([1, 2, 3].map(() => step(server, shop, input)))
    expect(replies.filter(({ error }) => error === 'invalid_session')).toHaveLength(2)
    expect(await later()).toEqual(['more_needed'])
  })
})

async function totpOf(app: EnrolledUser): Promise<{ totp: string }> {
  return { totp: await app.codeAt(server.clock.time) }
}
