import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { addReader, forget, linkOf, tokenOf } from './support/account_links.ts'
import { authorizeUrl, browserOf, CODE_CLIENT, exchangeOf, signInAt } from './support/authorize.ts'
import { MAIL } from './support/mail_sink.ts'
import { ABROAD, HOME, signInFrom } from './support/notifications.ts'
import { enrol, wrongCode } from './support/second_factor.ts'
import { credentials, emptyStores, ISSUER, PASSWORD, TestServer } from './support/server.ts'

const CONFIG = {
  mail: { ...MAIL, budgets: { address: 100 } },
  accounts: {
    customers: { email_code: 'sign_in', sign_up: true, self_service: true, second_factor: 'optional' },
  },
}
const NEW_PASSWORD = 'another correct passphrase'

type Server = TestServer

/** The texts that no log line and no audit event may contain, by their names. */
type Secrets = Map<string, string>

interface Stage {
  server: Server
  secrets: Secrets
}

/** Keeps the codes and the tokens of the links in the mails since the last call. */
async function keepMails({ server, secrets }: Stage) {
  const mails = await server.takeMails()
  for (const { kind, text } of mails) {
    const [code] = /\b\d{6}\b/.exec(text) ?? []
    const [, token] = /[?&]token=([\w.-]+)/.exec(text) ?? []
    for (const secret of [code, token]) if (secret) secrets.set(`${kind} ${secrets.size}`, secret)
  }
  return mails
}

const codeOf = (mails: readonly { text: string }[]) => /\b\d{6}\b/.exec(mails.at(-1)?.text ?? '')?.[0] ?? ''

async function signInByCode(stage: Stage): Promise<void> {
  const { server, secrets } = stage
  const { username } = await addReader(server)
  const client = await server.addClient(CODE_CLIENT)
  const browser = browserOf(server)
  await browser.open(authorizeUrl(client))
  await browser.press('Email me a code', { Username: username })
  const code = codeOf(await keepMails(stage))
  await browser.press('Sign in', { '6-digit code': String((Number(code) + 1) % 1_000_000).padStart(6, '0') })
  const end = await browser.press('Sign in', { '6-digit code': code })
  const authorizationCode = end.url.searchParams.get('code') ?? ''
  secrets.set('authorization code', authorizationCode)
  for (const name of ['__Host-sallyport-customers', '__Host-sallyport.device.customers'])
    secrets.set(name, browser.cookie(name) ?? '')
  const tokens = await server.requireTokens(exchangeOf(client, authorizationCode))
  secrets.set('access token', tokens.access_token)
  const replay = await server.postJson(exchangeOf(client, authorizationCode))
  expect(replay.status).toBe(400)
}

async function resetPassword(stage: Stage): Promise<void> {
  const { server } = stage
  const { username } = await addReader(server)
  await forget(server, username)
  const link = linkOf((await keepMails(stage))[0] ?? { text: '' }, 'reset-password')
  const browser = browserOf(server)
  await browser.open(`${link.href}x`)
  await browser.open(link.href)
  const passwords = { 'New password': NEW_PASSWORD, 'New password again': NEW_PASSWORD }
  await browser.press('Set password', passwords)
  await browser.open(link.href)
  await keepMails(stage)
}

async function useSecondFactors(stage: Stage): Promise<void> {
  const { server, secrets } = stage
  const reader = await addReader(server)
  const app = await enrol(server, reader)
  for (const [i, code] of app.recoveryCodes.entries()) secrets.set(`recovery code ${i}`, code)
  const browser = browserOf(server)
  await browser.open(authorizeUrl(await server.addClient(CODE_CLIENT)))
  await signInAt(browser, reader.username)
  const wrong = await wrongCode(app, server.clock.time)
  for (let i = 0; i < 3; i++) await browser.press('Continue', { '6-digit code': wrong })
  await browser.press('Continue with the recovery code', { 'Recovery code': app.recoveryCodes[0] ?? '' })
  const grants: ('password' | 'authorization_code')[] = ['password', 'authorization_code']
  const client = await server.addClient({ ...CODE_CLIENT, confidential: true, grants })
  const refused = await signInFrom(server, { client, username: reader.username }, ABROAD)
  const { auth_session: session } = await refused.json<{ auth_session: string }>()
  secrets.set('auth_session', session)
  const step = { ...credentials(client), auth_session: session, totp: wrong }
  await server.postJson(step, {}, '/oauth2-token/challenge')
  await keepMails(stage)
}

async function stealAndEnd(stage: Stage): Promise<void> {
  const { server, secrets } = stage
  const { username } = await addReader(server)
  const app = await server.addClient({ confidential: false })
  const first = await server.signIn(app, username)
  await server.refresh(app, first.refresh_token)
  server.clock.time += 3600
  const parameters = { grant_type: 'refresh_token', refresh_token: first.refresh_token, ...credentials(app) }
  expect((await server.postJson(parameters)).status).toBe(400)
  secrets.set('refresh token', first.refresh_token ?? '')
  await signInFrom(server, { client: app, username }, HOME)
  const mails = await keepMails(stage)
  const link = linkOf(mails[0] ?? { text: '' }, 'end-sessions')
  const browser = browserOf(server)
  await browser.open(link.href)
  await browser.press('End all sessions')
  await server.fetch(`/account/customers/end-sessions?token=${tokenOf(link)}x`)
}

/** A sign-up to the code, a queue that is down, and a mail service that refuses each mail. */
async function failToSend(stage: Stage): Promise<void> {
  const { server } = stage
  const browser = browserOf(server)
  await browser.open(authorizeUrl(await server.addClient(CODE_CLIENT)))
  const { html } = await browser.press('Create an account')
  expect(html).toContain('Email')
  const { username } = await addReader(server)
  await browser.open(authorizeUrl(await server.addClient(CODE_CLIENT)))
  server.mails.queue.send = () => Promise.reject(new Error('the queue is down'))
  await browser.press('Email me a code', { Username: username })
}

describe('the log and the audit trail', () => {
  const lines: string[] = []

  beforeEach(async () => {
    await emptyStores()
    for (const level of ['log', 'info', 'warn', 'error', 'debug'] as const)
      vi.spyOn(console, level).mockImplementation((...texts: unknown[]) => void lines.push(texts.join(' ')))
  })
  afterEach(() => vi.restoreAllMocks())

  it('no log line and no audit event has a password, code, link, token or cookie of any flow', async () => {
    const server = new TestServer({ config: CONFIG })
    const secrets: Secrets = new Map([
      ['password', PASSWORD],
      ['new password', NEW_PASSWORD],
    ])
    const stage = { server, secrets }
    for (const flow of [signInByCode, resetPassword, useSecondFactors, stealAndEnd, failToSend])
      await flow(stage)
    await server.cron()
    await server.settle()
    const { results } = await env.DB.prepare('SELECT * FROM audit_events').all()
    const events = results.map((row) => JSON.stringify(row))
    expect(lines.length).toBeGreaterThan(5)
    expect(events.length).toBeGreaterThan(20)
    expect(secrets.size).toBeGreaterThan(20)
    const found = [...secrets].flatMap(([name, secret]) => {
      const pattern = /^\d{6}$/.test(secret) ? new RegExp(`(?<!\\d)${secret}(?!\\d)`) : null
      const isIn = (text: string) => (pattern === null ? text.includes(secret) : pattern.test(text))
      expect([name, secret.length >= 6]).toEqual([name, true])
      return [...lines, ...events].filter(isIn).map((text) => `${name}: ${text}`)
    })
    expect(found).toEqual([])
    expect([...lines, ...events].join('\n')).not.toContain(`${ISSUER}/account/customers/`)
  })
})
