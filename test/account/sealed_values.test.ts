import { env } from 'cloudflare:workers'
import { expect, it } from 'vitest'
import { CONFIRM_ADDRESS, END_SESSIONS, INVITATION, RESET_PASSWORD } from '../../src/accounts/link_kinds.ts'
import { ACCOUNT, openAccount, selfService } from '../support/account.ts'
import { addReader, forget, takeLink, tokenOf } from '../support/account_links.ts'
import { authorizeUrl, browserOf, CALLBACK, newCode, signInAt, VERIFIER } from '../support/authorize.ts'
import { CHALLENGE_PATH, challengeOf, STEP_CLIENT, step } from '../support/challenge.ts'
import { MAIL } from '../support/mail_sink.ts'
import { enrol } from '../support/second_factor.ts'
import { credentials, ISSUER, PASSWORD, TestServer } from '../support/server.ts'

const TABLES = ['users', 'passkeys', 'one_time_values', 'cutoffs']

const hiddenOf = (html: string, name: string) => new RegExp(`name="${name}" value="([^"]+)"`).exec(html)?.[1]

/** The sealed values that a user can get, by their names. */
async function valuesOf(server: TestServer) {
  const client = await server.addClient(STEP_CLIENT)
  const reader = await addReader(server)
  const { user } = await enrol(server, await addReader(server))
  const browser = browserOf(server)
  const { html: signIn } = await browser.open(authorizeUrl(client))
  const pending = await signInAt(browser, user.username)
  const { browser: own, page: passkeys } = await openAccount(server, reader.username, { path: '/passkeys' })
  const { html: profile } = await own.open(`${ACCOUNT}/profile`)
  const saved = await own.press('Save', { 'Full name': 'Ann' })
  const { html: factor } = await own.open(`${ACCOUNT}/second-factor`)
  await server.takeMails()
  await forget(server, reader.username)
  const started = await step(server, client, { username: user.username, password: PASSWORD })
  const record = await server.services.userAdmin.find(reader.id)
  if (record === null) throw new Error('no user')
  const { links } = server.services
  const { time: now } = server.clock
  const address = { address: 'new@example.com', from: reader.email }
  const linkTo = async (link: Promise<string>) => tokenOf(new URL(await link))
  const values = {
    'form of the sign-in': hiddenOf(signIn, 'ticket'),
    'form of the second factor': hiddenOf(pending.html, 'ticket'),
    'URL of the second factor': pending.url.searchParams.get('page_state'),
    'challenge of a sign-in': hiddenOf(signIn, 'passkey_challenge'),
    'challenge of a registration': hiddenOf(passkeys.html, 'passkey_challenge'),
    'form of the profile': hiddenOf(profile, 'ticket'),
    'URL of the profile': saved.url.searchParams.get('page_state'),
    'new app': hiddenOf(factor, 'enrolment'),
    'link to a password': tokenOf(await takeLink(server, 'reset-password')),
    'link to an address': await linkTo(links.make(CONFIRM_ADDRESS, { user: record, data: address }, now)),
    'link that ends sessions': await linkTo(links.make(END_SESSIONS, { user: record, data: {} }, now)),
    auth_session: started.auth_session,
    code: await newCode(server, client, reader.id),
    cookie: own.cookie('__Host-sallyport-customers'),
    'cookie of forms': own.cookie('__Host-sallyport-form'),
  }
  const missing = Object.entries(values).filter(([, value]) => !value)
  expect(missing).toEqual([])
  return { client, browser: own, values: values as Record<keyof typeof values, string> }
}

async function rowsOf(): Promise<unknown> {
  return Promise.all(
    TABLES.map((table) =>
      env.DB.prepare(`SELECT * FROM ${table}`)
        .all()
        .then(({ results }) => results),
    ),
  )
}

it('each sealed value works only where it belongs', async () => {
  const accounts = { passkeys: { rp_id: 'shop.test' }, second_factor: 'optional', sign_up: true }
  const server = new TestServer({ config: { ...selfService(accounts), mail: MAIL } })
  const { client, browser, values } = await valuesOf(server)
  const cookies = `__Host-sallyport-form=${values['cookie of forms']}; __Host-sallyport-customers=${values.cookie}`
  const post = (path: string, fields: Record<string, string>, Cookie = cookies) =>
    server.fetch(path, {
      method: 'POST',
      headers: { Origin: ISSUER, Cookie, 'Content-Type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(fields).toString(),
    })
  const open = (url: string, Cookie = cookies) => server.fetch(url, { headers: { Cookie } })
  const password = { password: 'a wholly different passphrase', repeated: 'a wholly different passphrase' }
  const link = (path: string) => (token: string) => post(`/account/customers/${path}`, { token, ...password })
  const uses: Record<
    string,
    [own: readonly (keyof typeof values)[], use: (value: string) => Promise<Response>]
  > = {
    'the form of the sign-in': [
      ['form of the sign-in'],
      (ticket) => post('/oauth2-token/sign-in', { ticket }),
    ],
    'the form of the second factor': [
      ['form of the second factor'],
      (ticket) => post('/oauth2-token/second-factor', { ticket, totp: '123456' }),
    ],
    'the URL of the second factor': [
      ['URL of the second factor'],
      (state) => open(`/oauth2-token/second-factor?page_state=${state}`),
    ],
    'the form of the profile': [
      ['form of the profile'],
      (ticket) => post('/account/customers/profile', { ticket, name: 'Eve' }),
    ],
    'the form of sessions': [[], (ticket) => post('/account/customers/sessions', { ticket })],
    'the form of the deletion': [
      [],
      (ticket) => post('/account/customers/deletion', { ticket, username: 'x' }),
    ],
    'a password': [['link to a password'], link(RESET_PASSWORD.page)],
    'an invitation': [[], link(INVITATION.page)],
    'an address': [['link to an address'], link(CONFIRM_ADDRESS.page)],
    'an end of sessions': [['link that ends sessions'], link(END_SESSIONS.page)],
    'a step': [
      ['auth_session'],
      (auth_session) =>
        server.postJson(challengeOf(client, { auth_session, totp: '123456' }), {}, CHALLENGE_PATH),
    ],
    'an exchange': [
      ['code'],
      (code) =>
        server.postJson({
          grant_type: 'authorization_code',
          ...credentials(client),
          code,
          redirect_uri: CALLBACK,
          code_verifier: VERIFIER,
        }),
    ],
    'a pushed request': [
      [],
      (value) => {
        const request_uri = `urn:ietf:params:oauth:request_uri:${value}`
        return open(`/oauth2-token/authorize?${new URLSearchParams({ client_id: client.id, request_uri })}`)
      },
    ],
    'the cookie of the session': [
      ['cookie'],
      (value) => open('/account/customers/profile', `__Host-sallyport-customers=${value}`),
    ],
  }
  await server.settle()
  const before = await rowsOf()
  const accepted: string[] = []
  for (const [name, [own, use]] of Object.entries(uses)) {
    for (const [kind, value] of Object.entries(values)) {
      if ((own as readonly string[]).includes(kind)) continue
      const response = await use(value)
      await response.text()
      const isSignIn =
        name === 'the cookie of the session' &&
        response.headers.get('Location')?.startsWith('/oauth2-token/authorize')
      if (response.status !== 400 && !isSignIn) accepted.push(`${name}: ${kind} (${response.status})`)
    }
  }
  expect(accepted).toEqual([])
  await server.settle()
  expect(await rowsOf()).toEqual(before)
  expect((await browser.open(`${ACCOUNT}/profile`)).url.href).toBe(`${ACCOUNT}/profile`)
})
