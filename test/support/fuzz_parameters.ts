import fc from 'fast-check'
import { CALLBACK, CHALLENGE } from './authorize.ts'
import { type Known, LOST_ID, WRONG_URL_IDS } from './fuzz_requests.ts'
import { wildJson, wildText } from './fuzz_text.ts'
import { credentials, type TestClient } from './server.ts'

/** The parameters of a request in order. A name can repeat. */
type Pairs = [string, unknown][]

const TOKEN_NAMES = [
  'username',
  'password',
  'refresh_token',
  'scope',
  'visitor_access_token',
  'code',
  'redirect_uri',
  'code_verifier',
]

const GRANT_TYPES = ['password', 'refresh_token', 'client_credentials', 'authorization_code']

const ASSERTION_NAMES = ['client_assertion', 'client_assertion_type']

/** A few unknown clients that repeat. More of them would use up the budget and hide other results. */
const UNKNOWN_CLIENTS = ['nobody', 'Nobody', 'client', '__proto__', '../x', LOST_ID]

/** Parameters of the token endpoint, with valid and random values. */
export function tokenParameters(known: Known): fc.Arbitrary<Pairs> {
  const grantType = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...GRANT_TYPES) },
    { weight: 1, arbitrary: wildJson },
  )
  const guest: Pairs = [
    ['username', 'guest'],
    ['password', 'guest'],
  ]
  return joined(
    grantType.map((value): Pairs => [['grant_type', value]]),
    whoAsks(known),
    fc.oneof(
      { weight: 3, arbitrary: wildValues(TOKEN_NAMES) },
      { weight: 2, arbitrary: eachOf(TOKEN_NAMES) },
      { weight: 1, arbitrary: fc.constant(guest) },
    ),
    wildNames,
  )
}

const AUTHORIZATION_NAMES = [
  'redirect_uri',
  'scope',
  'state',
  'nonce',
  'prompt',
  'max_age',
  'response_mode',
  'resource',
  'dpop_jkt',
  'login_hint',
  'request_uri',
  'request',
  'visitor_access_token',
  'id_token_hint',
]

/** Parameters of a pushed authorization request. */
export function pushedParameters(known: Known): fc.Arbitrary<Pairs> {
  const start: Pairs = [
    ['response_type', 'code'],
    ['redirect_uri', CALLBACK],
    ['code_challenge', CHALLENGE],
    ['code_challenge_method', 'S256'],
  ]
  const begins = fc.oneof(
    { weight: 4, arbitrary: fc.constant(start) },
    { weight: 1, arbitrary: wildValues(['response_type', 'code_challenge', 'code_challenge_method']) },
  )
  const values = fc.oneof(
    { weight: 1, arbitrary: fc.constant<Pairs>([]) },
    { weight: 3, arbitrary: wildValues(AUTHORIZATION_NAMES) },
  )
  return joined(begins, whoAsks(known), values, wildNames)
}

const STEP_NAMES = [
  'username',
  'password',
  'email_code',
  'totp',
  'recovery_code',
  'passkey',
  'auth_session',
  'scope',
  'acr_values',
  'nonce',
  'redirect_uri',
  'ui_locales',
  'id_token_hint',
  'visitor_access_token',
]

/** Parameters of the authorization challenge endpoint. */
export function challengeParameters(known: Known): fc.Arbitrary<Pairs> {
  const start: Pairs = [
    ['response_type', 'code'],
    ['code_challenge', CHALLENGE],
    ['code_challenge_method', 'S256'],
  ]
  const begins = fc.oneof(
    { weight: 4, arbitrary: fc.constant(start) },
    { weight: 1, arbitrary: wildValues(['response_type', 'code_challenge', 'code_challenge_method']) },
  )
  return joined(begins, whoAsks(known), wildValues(STEP_NAMES), wildNames)
}

/** Parameters of the revocation and introspection endpoints. */
export function questionParameters(known: Known): fc.Arbitrary<Pairs> {
  const token = fc.tuple(fc.constant('token'), mostlyText).map((pair): Pairs => [pair])
  return joined(whoAsks(known), token, wildValues(['token_type_hint']), wildNames)
}

function joined(...parts: fc.Arbitrary<Pairs>[]): fc.Arbitrary<Pairs> {
  return fc.tuple(...parts).map((pairs) => pairs.flat())
}

function whoAsks({ machine, shop, page, agent }: Known): fc.Arbitrary<Pairs> {
  const own = (client: TestClient) => Object.entries(credentials(client))
  return fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom<Pairs[]>(own(machine), own(shop), own(shop), own(page)) },
    { weight: 1, arbitrary: fc.constant<Pairs>(own(agent)) },
    { weight: 1, arbitrary: fc.constantFrom(...WRONG_URL_IDS).map((id): Pairs => [['client_id', id]]) },
    { weight: 1, arbitrary: fc.constant<Pairs>([]) },
    { weight: 1, arbitrary: wildValues(['client_id', 'client_secret', ...ASSERTION_NAMES]) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.constantFrom(...UNKNOWN_CLIENTS, ...WRONG_URL_IDS, machine.id, agent.id), wildText)
        .map(
          ([id, secret]): Pairs => [
            ['client_id', id],
            ['client_secret', secret],
          ],
        ),
    },
  )
}

const mostlyText = fc.oneof({ weight: 19, arbitrary: wildText }, { weight: 1, arbitrary: wildJson })

function eachOf(names: readonly string[]): fc.Arbitrary<Pairs> {
  return fc.tuple(...names.map((name) => fc.tuple(fc.constant(name), mostlyText)))
}

/** A subset of the names, rarely repeated, with values of any type and mostly text. */
function wildValues(names: readonly string[]): fc.Arbitrary<Pairs> {
  const pair = fc.tuple(fc.constantFrom(...names), mostlyText)
  return fc.oneof(
    { weight: 9, arbitrary: fc.uniqueArray(pair, { maxLength: names.length, selector: ([name]) => name }) },
    { weight: 1, arbitrary: fc.array(pair, { maxLength: 4 }) },
  )
}

const wildNames: fc.Arbitrary<Pairs> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Pairs>([]) },
  { weight: 1, arbitrary: fc.array(fc.tuple(wildText, wildJson), { maxLength: 2 }) },
)
