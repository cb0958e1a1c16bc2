import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { authorizeUrl } from '../support/authorize.ts'
import { ACCOUNT_FORMS, ALL_WAYS } from '../support/fuzz_account_forms.ts'
import { checkPage, type OpenPages, openPages, pageForm, pageRequest } from '../support/fuzz_pages.ts'
import type { FuzzRequest } from '../support/fuzz_requests.ts'
import { FUZZ_TIMEOUT_MS, fuzz, fuzzRuns } from '../support/fuzz_run.ts'
import { FuzzServer, Witness } from '../support/fuzz_server.ts'
import { ISSUER } from '../support/server.ts'

const NEVER = { failures: 1_000_000 }
const NO_LOCKS = { account: NEVER, address: NEVER, site: NEVER, network: NEVER, client: NEVER }

const FORMS = [
  'sign-in',
  'email-code',
  'sign-up',
  'sign-up/code',
  'sign-up/account',
  'account',
  'passkey',
  'consent',
  'logout/confirm',
  'password',
]

let fuzzed: FuzzServer
let pages: OpenPages
let witness: Witness

beforeAll(async () => {
  pages = await openPages()
  fuzzed = new FuzzServer({ config: { ...ALL_WAYS, sign_in_limits: NO_LOCKS } })
  witness = await Witness.begin(fuzzed.server)
})

afterEach(async () => {
  await witness.testify()
  const page = await pages.browser.open(authorizeUrl(pages.client))
  expect(page.url.origin).not.toBe(ISSUER)
})
afterAll(() => fuzzed.restore())

async function send(request: FuzzRequest): Promise<void> {
  checkPage(await fuzzed.exchange(request))
}

describe('a malformed request of a browser', { timeout: FUZZ_TIMEOUT_MS }, () => {
  it.each(['/authorize', '/authorize-visitor', '/logout'])(
    `a page or a redirect to a registered address is the response to ${fuzzRuns(600)} inputs: %s`,
    (path) => fuzz(pageRequest(path, pages), fuzzRuns(600), send),
  )

  it.each([
    ...FORMS.map((name) => `/oauth2-token/${name}`),
    ...ACCOUNT_FORMS.map(({ path }) => `/account/customers${path}`),
  ])(
    `no form signs a user in or out, and the page has no text of the ${fuzzRuns(300)} inputs: %s`,
    (action) => {
      const form = pages.forms.find(({ path }) => path === action)
      if (!form) throw new Error(`no form of ${action}`)
      return fuzz(pageForm(form), fuzzRuns(300), send)
    },
  )
})
