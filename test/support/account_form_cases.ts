import { ACCOUNT } from './account.ts'
import { authorizeUrl, browserOf, CODE_CLIENT, exchangeOf, signInAt } from './authorize.ts'
import { ISSUER } from './server.ts'
import { HERE, type Send, type World, type WriteCase } from './write_cases.ts'

/** The fields of a request, for the user and the consent of the browser. */
type FieldsOf = (i: number, own: { username: string; consent: string }) => Record<string, string>

const PATH = new URL(ACCOUNT).pathname

/** Posts the form of a page of a signed-in user in each request, with the same ticket and the same cookies. */
async function postingAt({ server }: World, path: string, fieldsOf: FieldsOf): Promise<Send> {
  const { username } = await server.addUser()
  const browser = browserOf(server)
  const partner = await server.addClient({ ...CODE_CLIENT, isFirstParty: false })
  await browser.open(authorizeUrl(partner))
  await signInAt(browser, username)
  const { url } = await browser.press('Allow')
  await server.requireTokens(exchangeOf(partner, url.searchParams.get('code')))
  const page = await browser.open(ISSUER + PATH + path)
  const [, ticket = ''] = /name="ticket" value="([^"]+)"/.exec(page.html) ?? []
  const [, consent = ''] = /name="consent" value="([^"]+)"/.exec(page.html) ?? []
  const names = ['__Host-sallyport-form', '__Host-sallyport-customers']
  const headers = {
    ...HERE,
    Origin: ISSUER,
    Cookie: names.map((name) => `${name}=${browser.cookie(name)}`).join('; '),
    'Content-Type': 'application/x-www-form-urlencoded',
  }
  return (i) => {
    const body = new URLSearchParams({ ticket, ...fieldsOf(i, { username, consent }) }).toString()
    return server.fetch(PATH + path, { method: 'POST', headers, body, redirect: 'manual' })
  }
}

const at = (what: string, path: string, fieldsOf: FieldsOf, status = 303): WriteCase => ({
  what,
  path: PATH + path,
  expected: [status],
  toExhaust: 40,
  prepare: (world) => postingAt(world, path, fieldsOf),
})

/** The forms of the account pages of signed-in users. */
export const ACCOUNT_FORM_CASES: readonly WriteCase[] = [
  at('changes of a profile', '/profile', (i) => ({ name: `Name ${i}`, version: String(i + 1) })),
  at('changes of a password with a wrong current password', '/password', () => ({
    current_password: 'wrong',
    password: 'another long password',
    repeated: 'another long password',
  })),
  at('ends of all other sessions', '/sessions', () => ({})),
  at('ends of an unknown session', '/sessions', (i) => ({ session: `s1.unknown-${i}` })),
  at('withdrawals of one consent', '/applications', (_i, { consent }) => ({ consent })),
  at('downloads of data', '/data', () => ({}), 200),
  at('deletions of an account', '/deletion', (_i, { username }) => ({ username })),
]
