import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Client } from '../../packages/cli/src/api/schemas.ts'
import { isRegistered, parseClientFile } from '../../packages/cli/src/apply/client_file.ts'
import { formatClientFile } from '../../packages/cli/src/apply/format_file.ts'
import { compare } from '../../packages/cli/src/apply/plan.ts'
import { formatPlan } from '../../packages/cli/src/apply/show_plan.ts'

/** Texts that YAML can read as other types, or that need quotes. */
const TRICKY = ['null', 'true', 'yes', '1e3', '0x10', '1_000', '2026-11-25', '~', '.inf', '-', '__proto__']
const id = fc.oneof(
  fc.constantFrom(...TRICKY, 'constructor', '..'),
  fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/),
)
const name = fc.oneof(
  fc.constantFrom(...TRICKY, '# no comment', 'a: b', '*alias', '&anchor', '"', "'", ' ', '🛒 shop'),
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 200 })
    .filter((text) => !/[\p{Cc}\p{Cs}]/u.test(text)),
)
const scope = fc.oneof(fc.constantFrom('null', '1', '#a', '[x'), fc.stringMatching(/^[!#-[\]-~]{1,20}$/))
const uri = fc.oneof(fc.constantFrom('com.example.app:/callback'), fc.webUrl())
const jwk = fc.record({
  kty: fc.constant('EC'),
  kid: name,
  x: fc.constant('null'),
  key_ops: fc.constant(['verify']),
})
const lifetime = fc.option(fc.integer({ min: 300, max: 86_400 }))
const client: fc.Arbitrary<Client> = fc.record({
  client_id: id,
  name,
  api: fc.oneof(fc.constantFrom(...TRICKY), name),
  grants: fc.uniqueArray(
    fc.constantFrom('password' as const, 'client_credentials' as const, 'authorization_code' as const),
    {
      minLength: 1,
    },
  ),
  additional_apis: fc.uniqueArray(name, { maxLength: 3 }),
  errors: fc.constantFrom(null, 'rfc6749' as const, 'oro' as const),
  incremental_scopes: fc.boolean(),
  scopes: fc.uniqueArray(scope, { maxLength: 5 }),
  origins: fc.uniqueArray(fc.webUrl(), { maxLength: 3 }),
  jwks: fc.option(fc.record({ keys: fc.array(jwk, { minLength: 1, maxLength: 2 }) })),
  jwks_uri: fc.option(fc.constant('https://partner.example/jwks')),
  assertion_audience: fc.constantFrom('issuer' as const, 'token_endpoint' as const),
  redirect_uris: fc.uniqueArray(uri, { maxLength: 3 }),
  post_logout_redirect_uris: fc.uniqueArray(uri, { maxLength: 3 }),
  first_party: fc.boolean(),
  confidential: fc.boolean(),
  enabled: fc.boolean(),
  require_pkce: fc.boolean(),
  dpop_bound_access_tokens: fc.boolean(),
  id_token_signed_response_alg: fc.constantFrom('RS256' as const, 'ES256' as const),
  access_token_lifetime: lifetime,
  refresh_token_lifetime: lifetime,
  refresh: fc.constantFrom('rotate' as const, 'until_used' as const, 'fixed' as const),
  refresh_retry_window: fc.option(fc.integer({ min: 0, max: 3600 })),
  logo_uri: fc.option(fc.constant('/logos/partner.svg')),
  client_uri: fc.option(uri),
  policy_uri: fc.option(uri),
  tos_uri: fc.option(uri),
  secrets: fc.constant([{ secret_id: 'hidden-id', created_at: 1, expires_at: null, last_used_at: null }]),
  created_at: fc.constant(1),
  updated_at: fc.constant(1),
  last_used_at: fc.constant(null),
})

describe('a file of clients', () => {
  it('an exported file has no secret and differs in no field from its clients', () => {
    const clients = fc.uniqueArray(client, { selector: ({ client_id }) => client_id, maxLength: 6 })
    fc.assert(
      fc.property(clients, (exported) => {
        const file = formatClientFile(exported)
        expect(file).not.toContain('hidden-id')
        const drafts = new Map(
          parseClientFile(file, 'sallyport.yml').map(({ draft }) => [draft.client_id, draft]),
        )
        expect(drafts.size).toBe(exported.length)
        for (const known of exported) {
          const draft = drafts.get(known.client_id)
          expect(draft && compare(known, draft)).toEqual([])
        }
      }),
    )
  })

  it('a file of clients and its plan ignore a client whose id is the URL of a document', () => {
    const ids = ['https://claude.ai/oauth/client.json', 'https.claude.ai']
    expect(ids.map((client_id) => isRegistered({ client_id }))).toEqual([false, true])
  })

  it('the parser reads anchors, and the order of a list is no difference', () => {
    const text = [
      'clients:',
      '  one: &shop { api: storefront, grants: &both [password, client_credentials] }',
      '  two: *shop',
      '  three: { api: storefront, grants: *both }',
    ].join('\n')
    const [one, two, three] = parseClientFile(text, 'f.yml').map(({ draft }) => draft)
    const fields = { api: 'storefront', grants: ['password', 'client_credentials'] }
    expect([one, two, three]).toEqual(['one', 'two', 'three'].map((client_id) => ({ client_id, ...fields })))
    const [sample] = fc.sample(client, 1)
    if (sample === undefined || one === undefined) throw new Error('no sample')
    expect(
      compare({ ...sample, api: 'storefront', grants: ['client_credentials', 'password'] }, one),
    ).toEqual([])
  })

  it('one message lists every problem with its line and the nearest key', () => {
    const text = [
      'client: {}',
      'clients:',
      '  123: { api: storefront, grants: [password] }',
      '  shop:',
      '    api: storefront',
      '    scope: [cart]',
      '    origins: https://shop.example',
      '    enabled: yes',
      '    name: 5',
      '    access_token_lifetime: 15m',
      '  empty:',
      '  list: [a]',
    ].join('\n')
    expect(() => parseClientFile(text, 'f.yml')).toThrow(
      [
        'f.yml is not valid:',
        '  line 1: client: is not a known key; did you mean "clients"?',
        '  line 3: clients: write this client id in quotes',
        '  line 4: clients.shop.grants: is missing',
        '  line 6: clients.shop.scope: is not a known key; did you mean "scopes"?',
        '  line 7: clients.shop.origins: must be a list of texts, such as [one, two] or []',
        '  line 8: clients.shop.enabled: must be true or false',
        '  line 9: clients.shop.name: must be a text; write a number in quotes',
        '  line 10: clients.shop.access_token_lifetime: must be a whole number of seconds, or null',
        '  line 11: clients.empty: must be a mapping of fields',
        '  line 12: clients.list: must be a mapping of fields',
      ].join('\n'),
    )
  })

  it.each([
    ['', 'line 1: must have the key "clients"'],
    ['clients:', 'line 1: clients: must be a mapping from client ids to fields. For no clients, write {}'],
    ['clients: {}\nclients: {}', 'line 2: Map keys must be unique'],
    ['clients: { a: {}, a: {} }', 'line 1: Map keys must be unique'],
    ['clients: [', 'line 1: Flow sequence in block collection must be'],
    ['clients:\n  shop: { api: a, grants: [*none] }', 'line 2: the alias *none has no anchor before it'],
  ])('the parser refuses the file %j', (text, message) => {
    expect(() => parseClientFile(text, 'f.yml')).toThrow(message)
  })

  it('a plan replaces control characters of names', () => {
    const fields = [{ field: 'name', from: 'a\u001b[31m', to: 'b\n' }]
    const plan = {
      create: [],
      change: [{ client_id: 'x', fields, etag: '"1"', ends: null }],
      unchanged: [],
      disable: [],
      notInFile: [],
    }
    expect(formatPlan(plan)).toBe(
      'change x\n    name: a\ufffd[31m → b\ufffd\nPlan: 0 to create, 1 to change, 0 unchanged, 0 not in the file.',
    )
  })
})
