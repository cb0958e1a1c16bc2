import { randomId } from '../../src/lib/bytes.ts'
import { generateToken } from '../../src/onetime/one_time_value.ts'
import type { CreationOptionsJson, RequestOptionsJson } from '../../src/passkeys/ceremony_options.ts'
import type { Passkey } from '../../src/passkeys/passkey.ts'
import type { PageBrowser, ShownPage } from './page_browser.ts'
import { ISSUER, type TestServer } from './server.ts'
import { type CeremonyChanges, SoftwareAuthenticator } from './software_authenticator.ts'

/** Stores a passkey of a user, without a ceremony. Its key signs nothing. */
export async function addPasskey(
  server: TestServer,
  { id: subject, pool }: { id: string; pool: string },
  name: string,
): Promise<Passkey> {
  const { oneTime, passkeyStore } = server.services
  const { time: now } = server.clock
  const passkey: Passkey = {
    id: randomId(16),
    credentialId: randomId(32),
    subject,
    pool,
    rpId: 'shop.test',
    name,
    publicKey: { alg: 'ES256', jwk: { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' } },
    signCount: 0,
    transports: [],
    isBackupEligible: false,
    isBackedUp: false,
    createdAt: now,
    lastUsedAt: null,
  }
  const challenge = { kind: 'passkey_challenge', token: generateToken() } as const
  const { statement } = await oneTime.spending(challenge, now + 60, now)
  if (!(await passkeyStore.add(passkey, { spend: statement, most: 20 }, [])))
    throw new Error('the passkey was not stored')
  return passkey
}

/** The options of the ceremony on a page. */
export function optionsOf<Options>({ html }: Pick<ShownPage, 'html'>): Options {
  const [, options = ''] = /data-options="([^"]*)"/.exec(html) ?? []
  return JSON.parse(options.replaceAll('&quot;', '"').replaceAll('&amp;', '&'))
}

/** Presses the button of a page that asks for a passkey, as the script does. */
export async function pressPasskey(
  browser: PageBrowser,
  button: string,
  authenticator: SoftwareAuthenticator,
  changes: CeremonyChanges = {},
): Promise<ShownPage> {
  const passkey = await authenticator.get(optionsOf<RequestOptionsJson>(browser.page), changes)
  return browser.press(button, { passkey })
}

/** Presses the button of a page that creates a passkey, as the script does. */
export async function pressCreate(
  browser: PageBrowser,
  button: string,
  authenticator: SoftwareAuthenticator,
  changes: CeremonyChanges = {},
): Promise<ShownPage> {
  const passkey = await authenticator.create(optionsOf<CreationOptionsJson>(browser.page), changes)
  return browser.press(button, { passkey })
}

/** Adds a passkey of a user by a registration. */
export async function registerPasskey(
  server: TestServer,
  { id: subject, pool, username }: { id: string; pool: string; username: string },
  changes: CeremonyChanges = {},
): Promise<{ authenticator: SoftwareAuthenticator; passkey: Passkey }> {
  const authenticator = await SoftwareAuthenticator.make('ES256', ISSUER)
  const { passkeys } = server.services
  const names = { username, displayName: username, service: 'Slow Pour' }
  const holder = 'another browser'
  const started = await passkeys.startRegistration({ subject, pool, holder, ...names }, server.clock.time)
  if (started === null) throw new Error('the pool has no passkeys')
  const response = await authenticator.create(started.options, changes)
  const finished = { subject, pool, holder, clientId: 'shop', api: 'storefront', name: 'Chrome on Android' }
  const isFirst = false
  const passkey = await passkeys.finishRegistration(
    { ...finished, isFirst, sealed: started.sealed, response },
    server.context(),
  )
  return { authenticator, passkey }
}
