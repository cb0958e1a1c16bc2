import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { formatSettings, parseBuiltSettings } from '../../src/config/built_settings.ts'
import { resolveConfig } from '../../src/config/config.ts'
import { parseConfig, parseSettings } from '../../src/config/parse_config.ts'
import { ConfigError } from '../../src/config/read_settings.ts'
import { ADMIN_SCOPE_NAMES } from '../../src/oauth/admin_scope.ts'

const ISSUER = 'https://id.shop.test'
const VERIFY_URL = 'https://challenge.test/siteverify'
const RANGE_URL = 'https://api.pwnedpasswords.com/range/'
const SHOP = { audience: 'https://shop.test/api', users: 'customers' }
const OFFICE = { audience: 'https://shop.test/admin/api', users: 'staff' }

/** The API `shop` with all defaults. */
const SHOP_READ = {
  name: 'shop',
  audience: SHOP.audience,
  userPool: SHOP.users,
  guests: false,
  scopes: [],
  guestScopes: [],
  scopeTexts: new Map(),
  agents: false,
  errorDialect: 'rfc6749',
  branding: null,
  accessTokenLifetimeSeconds: 3600,
  refreshTokenLifetimeSeconds: 2_592_000,
}

/** The defaults of a pool. */
const BROWSER_SESSIONS = { idleSeconds: 3600, lifetimeSeconds: 12 * 3600 }
const ACCOUNTS = {
  signUp: false,
  selfService: false,
  emailCode: 'off',
  secondFactor: 'off',
  secondFactorRoles: [],
  passkeys: null,
}

/** Texts that are no exact name of a public host. */
const NO_HOSTS = [
  'a.example/b',
  'https://a.example',
  'A.example',
  'a.example:443',
  'a.example:8443',
  '*',
  '*.a.example',
  '.a.example',
  'a.example.',
  'a..example',
  'a',
  'a.local',
  '192.0.2.1',
  '[2001:db8::1]',
  'localhost.',
  '',
]

/** A config.yml with only the required keys, and with replaced top-level keys. */
const yaml = (changes: Record<string, unknown> = {}) =>
  stringify({ issuer: ISSUER, apis: { shop: SHOP }, ...changes })
const yamlOfShop = (changes: Record<string, unknown>) => yaml({ apis: { shop: { ...SHOP, ...changes } } })

function problemsIn(text: string): string[] {
  try {
    parseConfig(text)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

describe('config.yml', () => {
  it('config.yml requires an issuer and an API, and has a safe default for every other key', () => {
    expect(parseConfig(yaml())).toEqual({
      issuer: ISSUER,
      signingAlgorithm: 'ES256',
      openIdEnabled: true,
      keyRotationSeconds: 90 * 86_400,
      refreshTokensEnabled: true,
      refreshRetryWindowSeconds: 60,
      sessionLifetimeSeconds: null,
      sessionShards: [{ name: 's1', binding: 'DB', continents: [] }],
      sessionObjects: null,
      userDatabases: null,
      browserSessions: { listed: new Map(), other: BROWSER_SESSIONS },
      accounts: { listed: new Map(), other: ACCOUNTS },
      mail: null,
      auditRetentionSeconds: 90 * 86_400,
      auditMaxEvents: 10_000_000,
      auditArchive: null,
      auditDatabases: [],
      longestAccessTokenSeconds: 3600,
      errorDialect: 'rfc6749',
      passwordHash: { m: 19456, t: 2, p: 1 },
      passwordQueue: { length: 50, ms: 3000 },
      minimumPasswordLength: 8,
      breachedPasswords: null,
      challenge: null,
      signInLimits: {
        account: { failures: 10, lockSeconds: 60, longestLockSeconds: 3600 },
        address: { failures: 100, lockSeconds: 60, longestLockSeconds: 3600 },
        site: { failures: 300, lockSeconds: 60, longestLockSeconds: 3600 },
        network: { failures: 1000, lockSeconds: 60, longestLockSeconds: 3600 },
        client: { failures: 1000, lockSeconds: 60, longestLockSeconds: 600 },
        secondFactor: { failures: 10, lockSeconds: 60, longestLockSeconds: 86_400 },
        memorySeconds: 3600,
      },
      burstLimits: {
        sign_ins: 20,
        guesses: 60,
        guests: 600,
        introspections: 6000,
        refreshes: 600,
        audit_events: 240,
        revocations: 60,
        client_revocations: 600,
        service_accounts: 600,
      },
      cors: { allowOrigins: [], allowHeaders: [], preflightMaxAgeSeconds: 600 },
      apis: new Map([['shop', SHOP_READ]]),
      adminApi: null,
      agents: { ucp: false, mcp: false, trustedHosts: [], defaultApiName: null },
    })
  })

  it('the text for the Worker keeps the type of each checked value', () => {
    const settings = parseSettings(
      yaml({
        session_shards: [{ name: 'eu', binding: 'DB_EU', continents: ['EU'] }],
        browser_sessions: { customers: { idle: 600 } },
        accounts: { customers: { second_factor_roles: ['buyer'], passkeys: { rp_id: 'shop.test' } } },
        breached_passwords: { range_url: RANGE_URL },
        challenge: { verify_url: VERIFY_URL },
        apis: { shop: { ...SHOP, scopes: ['cart'], scope_texts: { cart: { en: 'The cart' } } } },
      }),
    )
    expect(settings.apis.get('shop')?.scopeTexts.size).toBe(1)
    expect(parseBuiltSettings(formatSettings(settings))).toStrictEqual(settings)
  })

  it('config.yml sets every key', () => {
    const text = yaml({
      signing_algorithm: 'EdDSA',
      openid: false,
      key_rotation_days: 30,
      enable_refresh_token: false,
      refresh_retry_window: 0,
      session_lifetime: 86_400,
      session_shards: [
        { name: 'eu', binding: 'DB_EU', continents: ['EU', 'AF'] },
        { name: 'us', binding: 'DB_US' },
      ],
      session_objects: {
        per_market: 4,
        index_databases: [{ binding: 'INDEX_1' }, { binding: 'INDEX_2', new_sessions: true }],
      },
      browser_sessions: { customers: { idle: 600, lifetime: 86_400 } },
      audit_retention_days: 7,
      audit_archive: { partitions: 64 },
      audit_databases: [{ binding: 'AUDIT_1' }, { binding: 'AUDIT_2', new_events: true }],
      errors: 'oro',
      password_hash: { m: 7168, t: 5, p: 1 },
      password_queue: { length: 8, seconds: 1 },
      minimum_password_length: 15,
      breached_passwords: { range_url: RANGE_URL, outcome: 'change', timeout: 2, recheck_days: 7 },
      challenge: { verify_url: VERIFY_URL, when_down: 'closed', timeout: 5 },
      sign_in_limits: {
        account: { failures: 5, lock: 30, longest_lock: 300 },
        address: { failures: 20 },
        memory: 600,
      },
      burst_limits: { guests: 100 },
      cors: { allow_origins: ['https://www.shop.test'], allow_headers: ['X-Shop'], preflight_max_age: 0 },
      apis: { shop: { ...SHOP, guests: true, scopes: ['cart', 'orders:read'], guest_scopes: ['cart'] } },
    })
    expect(parseConfig(text)).toEqual({
      issuer: ISSUER,
      signingAlgorithm: 'EdDSA',
      openIdEnabled: false,
      keyRotationSeconds: 30 * 86_400,
      refreshTokensEnabled: false,
      refreshRetryWindowSeconds: 0,
      sessionLifetimeSeconds: 86_400,
      sessionShards: [
        { name: 'eu', binding: 'DB_EU', continents: ['EU', 'AF'] },
        { name: 'us', binding: 'DB_US', continents: [] },
      ],
      sessionObjects: {
        perMarket: 4,
        isStrict: false,
        indexDatabases: [
          { binding: 'INDEX_1', takesNewSessions: false },
          { binding: 'INDEX_2', takesNewSessions: true },
        ],
      },
      userDatabases: null,
      browserSessions: {
        listed: new Map([['customers', { idleSeconds: 600, lifetimeSeconds: 86_400 }]]),
        other: BROWSER_SESSIONS,
      },
      accounts: { listed: new Map(), other: ACCOUNTS },
      mail: null,
      auditRetentionSeconds: 7 * 86_400,
      auditMaxEvents: 10_000_000,
      auditArchive: { partitions: 64, hotSeconds: 72 * 3600 },
      auditDatabases: [
        { binding: 'AUDIT_1', takesNewEvents: false },
        { binding: 'AUDIT_2', takesNewEvents: true },
      ],
      longestAccessTokenSeconds: 3600,
      errorDialect: 'oro',
      passwordHash: { m: 7168, t: 5, p: 1 },
      passwordQueue: { length: 8, ms: 1000 },
      minimumPasswordLength: 15,
      breachedPasswords: {
        rangeUrl: RANGE_URL,
        outcome: 'change',
        timeoutMs: 2000,
        recheckSeconds: 7 * 86_400,
      },
      challenge: { verifyUrl: VERIFY_URL, whenDown: 'closed', timeoutMs: 5000 },
      signInLimits: {
        account: { failures: 5, lockSeconds: 30, longestLockSeconds: 300 },
        address: { failures: 20, lockSeconds: 60, longestLockSeconds: 3600 },
        site: { failures: 300, lockSeconds: 60, longestLockSeconds: 3600 },
        network: { failures: 1000, lockSeconds: 60, longestLockSeconds: 3600 },
        client: { failures: 1000, lockSeconds: 60, longestLockSeconds: 600 },
        secondFactor: { failures: 10, lockSeconds: 60, longestLockSeconds: 86_400 },
        memorySeconds: 600,
      },
      burstLimits: {
        sign_ins: 20,
        guesses: 60,
        guests: 100,
        introspections: 6000,
        refreshes: 600,
        audit_events: 240,
        revocations: 60,
        client_revocations: 600,
        service_accounts: 600,
      },
      cors: { allowOrigins: ['https://www.shop.test'], allowHeaders: ['X-Shop'], preflightMaxAgeSeconds: 0 },
      apis: new Map([
        [
          'shop',
          {
            ...SHOP_READ,
            guests: true,
            scopes: ['cart', 'orders:read'],
            guestScopes: ['cart'],
            errorDialect: 'oro',
          },
        ],
      ]),
      adminApi: null,
      agents: { ucp: false, mcp: false, trustedHosts: [], defaultApiName: null },
    })
  })

  it('config.yml refuses browser sessions of an unknown pool, and an idle time over the lifetime', () => {
    const pools = { customer: {}, customers: { idle: 86_401, lifetime: 86_400 }, staff: { idle: 1 } }
    expect(problemsIn(yaml({ browser_sessions: pools }))).toEqual([
      'browser_sessions.customers.idle: must be at most the lifetime',
      'browser_sessions.staff.idle: must be at least 300 seconds',
      'browser_sessions: must list only pools that an API names as users',
    ])
  })

  it('config.yml sets lifetimes for all APIs, and other lifetimes for one API', () => {
    const apis = {
      shop: { ...SHOP, access_token_lifetime: 900 },
      office: { ...OFFICE, refresh_token_lifetime: 7200 },
    }
    const config = parseConfig(yaml({ access_token_lifetime: 1200, refresh_token_lifetime: 86_400, apis }))
    const lifetimes = [...config.apis.values()].map((api) => [
      api.name,
      api.accessTokenLifetimeSeconds,
      api.refreshTokenLifetimeSeconds,
    ])
    expect(lifetimes).toEqual([
      ['shop', 900, 86_400],
      ['office', 1200, 7200],
    ])
    expect(config.longestAccessTokenSeconds).toBe(1200)
  })

  it('config.yml is refused with all problems at once, each with its path', () => {
    const text = yaml({
      issuer: 'http://id.shop.test',
      isuer: ISSUER,
      signing_algorithm: 'HS256',
      access_token_lifetime: 59,
      cors: { allow_origins: ['https://www.shop.test', '*'], allow_origin: [] },
      apis: {
        shop: { ...SHOP, guest: true, scopes: ['cart', 'a b'] },
        office: { users: 'staff', guests: 'yes' },
      },
    })
    const problems = problemsIn(text)
    expect(problems.toSorted()).toEqual([
      'access_token_lifetime: must be at least 60 seconds',
      'apis.office.audience: must be a URI, such as https://shop.example.com/api',
      'apis.office.guests: must be true or false',
      'apis.shop.guest: is not a known key (line 6); did you mean "guests"?',
      'apis.shop.scopes.1: must be one scope token (RFC 6749 §3.3)',
      'cors.allow_origin: is not a known key (line 20); did you mean "allow_origins"?',
      'cors.allow_origins.1: must be an exact origin, such as https://shop.example.com',
      'issuer: must be https, unless it is a loopback address',
      'isuer: is not a known key (line 13); did you mean "issuer"?',
      'signing_algorithm: must be one of ES256, RS256, PS256, EdDSA',
    ])
    expect(() => parseConfig(text)).toThrow(
      ['config.yml:', ...problems.map((problem) => `  ${problem}`)].join('\n'),
    )
  })

  it.each([
    ['an empty file', '', '(file): is empty. docs/configuration.md lists the keys'],
    ['only comments', '# nothing\n', '(file): is empty. docs/configuration.md lists the keys'],
    ['UTF-16', '\ufffd\ufffdi\0s\0', '(file): is not UTF-8 text. Save the file as UTF-8'],
    ['a string', 'issuer', '(top level): must be a mapping (key: value)'],
    ['a list', '- issuer', '(top level): must be a mapping (key: value)'],
  ])('config.yml is refused if it is not a mapping: %s', (_case, text, problem) => {
    expect(problemsIn(text)).toEqual([problem])
  })

  it('config.yml is refused with the names of missing keys', () => {
    expect(problemsIn('{}')).toEqual([
      'issuer: must be an origin, such as https://id.example.com',
      'apis: must be a mapping (name: API)',
    ])
  })

  it.each([
    ['a key twice', 'errors: oro\nissuer: https://id.shop.test\nerrors: oro\n', 'line 3, column 1'],
    ['a key of an API twice', 'apis:\n  shop:\n    users: a\n    users: b\n', 'line 4, column 5'],
    ['a list without its end', 'issuer: [\n', 'line 2, column 1'],
    ['a tab for an indent', 'cors:\n\tallow_origins: []\n', 'line 2, column 1'],
  ])('config.yml is refused with the line of an error in the YAML: %s', (_case, text, place) => {
    expect(problemsIn(text)).toEqual([expect.stringContaining(place)])
  })
})

describe('a config.yml with several problems', () => {
  it('a config.yml with several problems is refused with the problems between keys too, if a key has a problem of its own', () => {
    const shop = { audience: 'https://shop.test/api', users: 'customers', scopes: ['cart', 'cart'] }
    const apis = { one: { ...shop, access_token_lifetime: 'x', guest_scopes: ['admin'] }, two: shop }
    const problems = problemsIn(yaml({ access_token_lifetime: 'x', apis }))
    expect(problems.map((problem) => problem.split(':', 1)[0])).toEqual(
      expect.arrayContaining([
        'access_token_lifetime',
        'apis',
        'apis.one.access_token_lifetime',
        'apis.one.guest_scopes',
        'apis.one.scopes',
        'apis.two.scopes',
      ]),
    )
  })

  it.each([
    ['an alias without an anchor', 'cors: *nope'],
    ['an unknown tag', 'errors: !env oro'],
    ['a duplicate key', 'errors: oro\nerrors: oro'],
  ])('a config.yml with several problems is refused with a list of problems: %s', (_case, line) => {
    expect(() => parseConfig(`${yaml({})}${line}\n`)).toThrow(ConfigError)
  })
})

describe('a weak or impossible value', () => {
  const NOT_AN_ORIGIN =
    'issuer: must be an origin in lower case without a path, a final slash and the default port, such as https://id.example.com'

  it.each([
    ['http://id.shop.test', 'issuer: must be https, unless it is a loopback address'],
    ['http://127.0.0.1.shop.test', 'issuer: must be https, unless it is a loopback address'],
    ['http://localhost.shop.test', 'issuer: must be https, unless it is a loopback address'],
    ['https://id.shop.test/', NOT_AN_ORIGIN],
    ['https://id.shop.test/oauth', NOT_AN_ORIGIN],
    ['https://id.shop.test?a=b', NOT_AN_ORIGIN],
    ['https://id.shop.test#a', NOT_AN_ORIGIN],
    ['https://user@id.shop.test', NOT_AN_ORIGIN],
    ['https://ID.shop.test', NOT_AN_ORIGIN],
    ['https://id.shop.test:443', NOT_AN_ORIGIN],
    ['ftp://id.shop.test', NOT_AN_ORIGIN],
    ['https://*.shop.test', NOT_AN_ORIGIN],
    ['id.shop.test', NOT_AN_ORIGIN],
    ['', NOT_AN_ORIGIN],
    [8787, 'issuer: must be an origin, such as https://id.example.com'],
  ])('a weak or impossible value is refused: the issuer %j', (issuer, problem) => {
    expect(problemsIn(yaml({ issuer }))).toEqual([problem])
  })

  it.each([
    'http://127.0.0.1:8787',
    'http://localhost:8787',
    'http://[::1]:8787',
    'https://id.shop.test:8443',
  ])('the issuer %j is accepted', (issuer) => {
    expect(parseConfig(yaml({ issuer })).issuer).toBe(issuer)
  })

  it.each([
    ['access_token_lifetime', 60, 86_400, 'seconds'],
    ['refresh_token_lifetime', 300, 31_536_000, 'seconds'],
    ['refresh_retry_window', 0, 600, 'seconds'],
    ['session_lifetime', 300, 315_360_000, 'seconds'],
    ['key_rotation_days', 7, 730, 'days'],
    ['audit_retention_days', 1, 3650, 'days'],
  ])('a weak or impossible value is refused: %s below %i or above %i %s', (key, min, max, unit) => {
    expect(problemsIn(yaml({ [key]: min - 1 }))).toEqual([`${key}: must be at least ${min} ${unit}`])
    expect(problemsIn(yaml({ [key]: max + 1 }))).toEqual([`${key}: must be at most ${max} ${unit}`])
    for (const allowed of [min, max]) expect(problemsIn(yaml({ [key]: allowed }))).toEqual([])
    for (const value of ['3600', '1h', min + 0.5, null]) {
      expect(problemsIn(yaml({ [key]: value }))).toEqual([
        expect.stringMatching(new RegExp(`^${key}: must be a whole number of ${unit}`)),
      ])
    }
  })

  /** A mapping with one value, at a path. */
  const inside = (path: string, value: unknown): Record<string, unknown> => {
    const [first = '', ...rest] = path.split('.')
    return { [first]: rest.length === 0 ? value : inside(rest.join('.'), value) }
  }
  const KINDS = ['account', 'address', 'site', 'network', 'client']

  it.each([
    ['password_queue.length', 1, 1000, ''],
    ['password_queue.seconds', 1, 30, ' seconds'],
    ...KINDS.map((kind) => [`sign_in_limits.${kind}.failures`, 3, 1_000_000, ''] as const),
    ...KINDS.map((kind) => [`sign_in_limits.${kind}.longest_lock`, 60, 86_400, ' seconds'] as const),
    ['sign_in_limits.memory', 60, 2_592_000, ' seconds'],
    ...[
      'sign_ins',
      'guesses',
      'guests',
      'introspections',
      'refreshes',
      'audit_events',
      'revocations',
      'client_revocations',
      'service_accounts',
    ].map((budget) => [`burst_limits.${budget}`, 1, 1_000_000, ''] as const),
  ] as const)('a weak or impossible value is refused: %s below %i or above %i', (path, min, max, unit) => {
    const problemsOf = (value: unknown) => problemsIn(yaml(inside(path, value)))
    expect(problemsOf(max + 1)).toEqual([`${path}: must be at most ${max}${unit}`])
    for (const allowed of [min, max]) expect(problemsOf(allowed)).toEqual([])
    expect(problemsOf(min - 1)).toEqual([
      path.endsWith('longest_lock')
        ? `${path}: must not be shorter than lock`
        : `${path}: must be at least ${min}${unit}`,
    ])
    for (const value of ['10', min + 0.5, null, true]) {
      expect(problemsOf(value)).toEqual([
        expect.stringMatching(new RegExp(`^${path}: must be a whole number`)),
      ])
    }
  })

  it.each(KINDS)(
    'a weak or impossible value is refused: a lock of 0 seconds or of more than one hour for %s',
    (kind) => {
      const problemsOf = (lock: number) => problemsIn(yaml(inside(`sign_in_limits.${kind}.lock`, lock)))
      expect(problemsOf(0)).toEqual([`sign_in_limits.${kind}.lock: must be at least 1 seconds`])
      expect(problemsOf(3601)).toContain(`sign_in_limits.${kind}.lock: must be at most 3600 seconds`)
    },
  )

  it.each([
    ['password_queue', 'no mapping', 3, 'must be a mapping (key: value)'],
    ['password_queue.depth', 'an unknown key', 3, 'is not a known key (line 7)'],
    ['sign_in_limits', 'no mapping', 10, 'must be a mapping (key: value)'],
    ['sign_in_limits.account', 'no mapping', 10, 'must be a mapping (key: value)'],
    ['sign_in_limits.user', 'an unknown kind', { failures: 3 }, 'is not a known key (line 7)'],
    ['sign_in_limits.address.window', 'an unknown key', 60, 'is not a known key (line 8)'],
    ['burst_limits', 'no mapping', 20, 'must be a mapping (key: value)'],
    [
      'burst_limits.sign_outs',
      'an unknown budget',
      20,
      'is not a known key (line 7); did you mean "sign_ins"?',
    ],
  ])('a weak or impossible value is refused: %s, %s', (path, _case, value, problem) => {
    expect(problemsIn(yaml(inside(path, value)))).toEqual([`${path}: ${problem}`])
  })

  it('a weak or impossible value is refused: a lifetime of one API out of its bounds', () => {
    expect(problemsIn(yamlOfShop({ access_token_lifetime: 59, refresh_token_lifetime: 299 }))).toEqual([
      'apis.shop.access_token_lifetime: must be at least 60 seconds',
      'apis.shop.refresh_token_lifetime: must be at least 300 seconds',
    ])
  })

  it.each([
    { m: 47104, t: 1 },
    { m: 19456, t: 2 },
    { m: 12288, t: 3 },
    { m: 9216, t: 4 },
    { m: 7168, t: 5 },
  ])(
    'a weak or impossible value is refused: a password_hash next to the row m=$m, t=$t of OWASP’s table',
    ({ m, t }) => {
      expect(parseConfig(yaml({ password_hash: { m, t, p: 1 } })).passwordHash).toEqual({ m, t, p: 1 })
      for (const change of [{ m: m - 1 }, { m: m + 1 }, { t: t - 1 }, { t: t + 1 }, { p: 0 }, { p: 2 }]) {
        expect(problemsIn(yaml({ password_hash: { m, t, p: 1, ...change } }))).toEqual([
          'password_hash: must be a row of the Argon2id table of OWASP, with p=1: ' +
            'm=47104,t=1 or m=19456,t=2 or m=12288,t=3 or m=9216,t=4 or m=7168,t=5',
        ])
      }
    },
  )

  const NOT_EXACT = '.0: must be an exact origin, such as https://shop.example.com'

  it.each([
    ['allow_origins', ['*'], NOT_EXACT],
    ['allow_origins', ['null'], NOT_EXACT],
    ['allow_origins', ['https://*.shop.test'], NOT_EXACT],
    ['allow_origins', ['https://www.shop.test/'], NOT_EXACT],
    ['allow_origins', '*', ': must be a list of origins'],
    ['allow_headers', ['*'], '.0: must be a header name, not a wildcard'],
    ['allow_headers', ['X-Shop, X-Cart'], '.0: must be a header name'],
    ['allow_headers', '*', ': must be a list of header names'],
    ['preflight_max_age', 86_401, ': must be at most 86400 seconds'],
    ['preflight_max_age', -1, ': must be at least 0 seconds'],
  ])('a weak or impossible value is refused: cors.%s of %j', (key, value, problem) => {
    expect(problemsIn(yaml({ cors: { [key]: value } }))).toEqual([`cors.${key}${problem}`])
  })

  const NO_URI = 'audience: must be an absolute URI, such as https://shop.example.com/api'
  const NO_NAME = 'users: must be a lower-case name of up to 32 letters, digits, - or _'
  const RESERVED = 'users: must not be form, console or begin with console-'
  const NO_SCOPE = 'scopes.0: must be one scope token (RFC 6749 §3.3)'
  const OUTSIDE = { guests: true, scopes: ['cart'], guest_scopes: ['cart', 'admin'] }
  const WITHOUT = { guests: false, scopes: ['cart'], guest_scopes: ['cart'] }

  it.each([
    ['an audience that is not a URI', { audience: 'shop' }, NO_URI],
    ['an empty audience', { audience: '' }, NO_URI],
    ['a pool with an invalid name', { users: 'All Customers' }, NO_NAME],
    ['a pool with the cookie of the forms', { users: 'form' }, RESERVED],
    ['a pool with the cookie of the console', { users: 'console' }, RESERVED],
    ['a pool with a cookie of the console', { users: 'console-notice' }, RESERVED],
    ['a scope with a space', { scopes: ['a b'] }, NO_SCOPE],
    ['guest_scopes outside scopes', OUTSIDE, 'guest_scopes: must list only scopes of this API'],
    ['guest_scopes without guests', WITHOUT, 'guest_scopes: must be empty if guests is false'],
  ])('a weak or impossible value is refused: an API with %s', (_case, changes, problem) => {
    expect(problemsIn(yamlOfShop(changes))).toEqual([`apis.shop.${problem}`])
  })

  it('an API with agents needs a text for each scope, and an audience without a fragment (RFC 8707 §2)', () => {
    const scope = 'dev.ucp.shopping.order:read'
    const api = { agents: true, scopes: [scope, 'cart'], scope_texts: { [scope]: 'Your orders' } }
    expect(problemsIn(yamlOfShop({ ...api, audience: `${SHOP.audience}#a` }))).toEqual([
      'apis.shop.scope_texts: must have a text for each scope, because the API has agents',
      'apis.shop.audience: must not have a fragment, because the API has agents (RFC 8707 §2)',
    ])
    expect(problemsIn(yamlOfShop({ ...api, scopes: [scope], errors: 'oro' }))).toEqual([
      'apis.shop.errors: must be rfc6749, because the API has agents',
    ])
    const shop = { ...SHOP, ...api, scopes: [scope] }
    const apis = {
      shop,
      office: { ...OFFICE, errors: 'rfc6749' },
      depot: { audience: 'urn:depot', users: 'staff' },
    }
    const read = [...parseConfig(yaml({ errors: 'oro', apis })).apis.values()]
    expect(read.map(({ agents, errorDialect }) => [agents, errorDialect])).toEqual([
      [true, 'rfc6749'],
      [false, 'rfc6749'],
      [false, 'oro'],
    ])
  })

  const SHARED =
    'must have a different audience for each API, not only by a final slash, or an API accepts the tokens of another API'
  const ISSUERS = 'must not have the issuer as an audience, because it is the audience of refresh tokens'

  it.each([
    ['no API', {}, 'must list at least one API'],
    [
      'an audience that two APIs share',
      { shop: SHOP, office: { ...OFFICE, audience: SHOP.audience } },
      SHARED,
    ],
    [
      'audiences that differ only by a slash',
      { shop: SHOP, office: { ...OFFICE, audience: `${SHOP.audience}/` } },
      SHARED,
    ],
    ['the issuer as an audience', { shop: { ...SHOP, audience: ISSUER } }, ISSUERS],
    ['the issuer with a slash as an audience', { shop: { ...SHOP, audience: `${ISSUER}/` } }, ISSUERS],
  ])('a weak or impossible value is refused: `apis` with %s', (_case, apis, problem) => {
    expect(problemsIn(yaml({ apis }))).toEqual([`apis: ${problem}`])
  })

  it.each(['Shop', 'my shop', '1st', 'a.b', ''])(
    'a weak or impossible value is refused: an API with the name %j',
    (name) => {
      expect(problemsIn(yaml({ apis: { [name]: SHOP } }))).toEqual([
        `apis.${name}: must be a lower-case name`,
      ])
    },
  )

  const EU = { name: 'eu', binding: 'DB_EU', continents: ['EU'] }
  const US = { name: 'us', binding: 'DB_US', continents: ['NA', 'SA'] }
  const NO_SHARD_NAME = '.0.name: must be a lower-case name of up to 16 letters and digits'
  const NO_CONTINENT = '.0.continents.0: must be one of AF, AN, AS, EU, NA, OC, SA'
  const ALIKE = ': must not give two shards the same name, binding or continent'

  it.each([
    ['no shard', [], ': must list at least one shard'],
    ['a name twice', [EU, { ...US, name: 'eu' }], ALIKE],
    ['a binding twice', [EU, { ...US, binding: 'DB_EU' }], ALIKE],
    ['a continent twice', [EU, { ...US, continents: ['NA', 'EU'] }], ALIKE],
    ['a dot in a name', [{ ...EU, name: 'e.u' }], NO_SHARD_NAME],
    ['an unknown continent', [{ ...EU, continents: ['eu'] }], NO_CONTINENT],
  ])('a weak or impossible value is refused: shards with %s', (_case, session_shards, problem) => {
    expect(problemsIn(yaml({ session_shards }))).toEqual([`session_shards${problem}`])
  })

  it.each([
    ['DB', [{ binding: 'DB' }], ': must not list DB or a database twice'],
    [
      'a binding twice',
      [{ binding: 'A' }, { binding: 'A', new_sessions: true }],
      ': must not list DB or a database twice',
    ],
    ['a malformed binding', [{ binding: 'index' }], '.0.binding: must be a D1 binding of wrangler.toml'],
    [
      '17 databases',
      Array.from({ length: 17 }, (_, i) => ({ binding: `I${i}` })),
      ': must list at most 16 databases',
    ],
  ])('a weak or impossible value is refused: index databases with %s', (_case, index_databases, problem) => {
    const session_objects = { per_market: 1, index_databases }
    expect(problemsIn(yaml({ session_objects }))).toEqual([`session_objects.index_databases${problem}`])
  })

  it.each([
    ['DB', [{ binding: 'DB' }], ': must not list DB or a database twice'],
    [
      'a binding twice',
      [{ binding: 'A' }, { binding: 'A', new_events: true }],
      ': must not list DB or a database twice',
    ],
    ['a malformed binding', [{ binding: 'audit' }], '.0.binding: must be a D1 binding of wrangler.toml'],
    [
      '17 databases',
      Array.from({ length: 17 }, (_, i) => ({ binding: `A${i}` })),
      ': must list at most 16 databases',
    ],
  ])('a weak or impossible value is refused: audit databases with %s', (_case, audit_databases, problem) => {
    expect(problemsIn(yaml({ audit_databases }))).toEqual([`audit_databases${problem}`])
  })
})

describe('the key `breached_passwords`', () => {
  const table = (changes: Record<string, unknown>) => ({
    breached_passwords: { range_url: RANGE_URL, ...changes },
  })
  const BAD_URL =
    'must be https (or http on a loopback address), end with a slash, and have no user, query or fragment'

  it('the key `breached_passwords` requires only a URL', () => {
    expect(parseConfig(yaml(table({}))).breachedPasswords).toEqual({
      rangeUrl: RANGE_URL,
      outcome: 'claim',
      timeoutMs: 1000,
      recheckSeconds: 30 * 86_400,
    })
  })

  it('the key `breached_passwords` accepts a loopback URL only if the issuer is one', () => {
    const range_url = 'http://127.0.0.1:8790/range/'
    const issuer = 'http://127.0.0.1:8787'
    expect(problemsIn(yaml({ issuer, ...table({ range_url }) }))).toEqual([])
    expect(problemsIn(yaml(table({ range_url })))).toEqual([
      'breached_passwords.range_url: must not be a loopback address if the issuer is not a loopback address',
    ])
  })

  it.each([
    [{ range_url: 'http://api.pwnedpasswords.com/range/' }, `range_url: ${BAD_URL}`],
    [{ range_url: 'http://127.0.0.1.shop.test/range/' }, `range_url: ${BAD_URL}`],
    [{ range_url: 'https://api.pwnedpasswords.com/range' }, `range_url: ${BAD_URL}`],
    [{ range_url: 'https://api.pwnedpasswords.com/range/?mode=ntlm' }, `range_url: ${BAD_URL}`],
    [{ range_url: 'https://api.pwnedpasswords.com/range/#/' }, `range_url: ${BAD_URL}`],
    [{ range_url: 'https://key@api.pwnedpasswords.com/range/' }, `range_url: ${BAD_URL}`],
    [{ range_url: 'https://api.pwnedpasswords.com/../range/' }, `range_url: ${BAD_URL}`],
    [{ range_url: 'ftp://breaches.test/range/' }, `range_url: ${BAD_URL}`],
    [{ range_url: true }, 'range_url: must be a URL, such as https://api.pwnedpasswords.com/range/'],
    [{ outcome: 'refuse' }, 'outcome: must be one of claim, change'],
    [{ timeout: 0 }, 'timeout: must be at least 1 seconds'],
    [{ timeout: 11 }, 'timeout: must be at most 10 seconds'],
    [{ recheck_days: 0 }, 'recheck_days: must be at least 1 days'],
    [{ recheck_days: 366 }, 'recheck_days: must be at most 365 days'],
    [{ url: RANGE_URL }, 'url: is not a known key (line 8)'],
  ])('the key `breached_passwords` is refused with %j', (changes, problem) => {
    expect(problemsIn(yaml(table(changes)))).toEqual([`breached_passwords.${problem}`])
  })

  it.each([
    [{ breached_passwords: { outcome: 'change' } }, `range_url: must be a URL, such as ${RANGE_URL}`],
    [{ breached_passwords: true }, 'must be a mapping (key: value)'],
  ])('the key `breached_passwords` is refused without a URL: %j', (changes, problem) => {
    const [message = ''] = problemsIn(yaml(changes))
    expect(message.replace(/^breached_passwords[.:] ?/, '')).toBe(problem)
  })

  it.each([7, 65, '15'])(
    'the key `breached_passwords` does not change the bounds of minimum_password_length: %j is refused',
    (minimum_password_length) => {
      expect(problemsIn(yaml({ minimum_password_length }))).toEqual([
        expect.stringMatching(/^minimum_password_length: must be (?:at least 8|at most 64|a whole number)$/),
      ])
    },
  )
})

describe('the key `admin_api`', () => {
  const ADMIN = { audience: 'https://id.shop.test/admin/api', users: 'operators' }

  it('the key `admin_api` is the name of an API', () => {
    const config = parseConfig(yaml({ apis: { shop: SHOP, admin: ADMIN }, admin_api: 'admin' }))
    expect(config.adminApi).toEqual({
      ...SHOP_READ,
      name: 'admin',
      audience: ADMIN.audience,
      userPool: 'operators',
      scopes: ADMIN_SCOPE_NAMES,
    })
    expect(config.adminApi).toBe(config.apis.get('admin'))
    const admin = { ...ADMIN, scopes: ['users:read', 'own'] }
    const { adminApi } = parseConfig(yaml({ apis: { shop: SHOP, admin }, admin_api: 'admin' }))
    expect(adminApi?.scopes).toEqual([...ADMIN_SCOPE_NAMES, 'own'])
  })

  it.each([
    ['does not exist', { shop: SHOP }, 'office', 'must name one of apis'],
    [
      'accepts guests',
      { shop: SHOP, admin: { ...ADMIN, guests: true } },
      'admin',
      'must name an API without guests',
    ],
    [
      'has agents',
      { shop: SHOP, admin: { ...ADMIN, agents: true } },
      'admin',
      'must name an API without agents',
    ],
    [
      'shares its pool',
      { shop: SHOP, admin: { ...ADMIN, users: 'customers' } },
      'admin',
      'must name an API whose pool no other API has, because every user of the pool can become an operator',
    ],
  ])('the key `admin_api` is refused if the API %s', (_case, apis, admin_api, message) => {
    expect(problemsIn(yaml({ apis, admin_api }))).toEqual([`admin_api: ${message}`])
  })

  it.each<[string, object, string[]]>([
    [
      'a text that is no name of a public host',
      { trusted_hosts: NO_HOSTS, default_api: 'shop' },
      NO_HOSTS.map(
        (_host, i) =>
          `agents.trusted_hosts.${i}: must be the name of one public host in lower case, such as claude.ai, without wildcard, port or path`,
      ),
    ],
    [
      'a wrong host in a mapping',
      {
        trusted_hosts: [{ host: 'a.example/b', assertion_audience: 'issuer' }],
        default_api: 'shop',
      },
      [
        'agents.trusted_hosts.0.host: must be the name of one public host in lower case, such as claude.ai, without wildcard, port or path',
      ],
    ],
    ...[{ host: 'a.example' }, { host: 'a.example', assertion_audience: 'other' }].map(
      (entry): [string, object, string[]] => [
        `a mapping that is not a trusted host: ${JSON.stringify(entry)}`,
        { trusted_hosts: [entry], default_api: 'shop' },
        ['agents.trusted_hosts: must be a list of hosts, or any'],
      ],
    ),
    [
      'a host in two forms',
      {
        trusted_hosts: ['a.example', { host: 'a.example', assertion_audience: 'token_endpoint' }],
        default_api: 'shop',
      },
      ['agents.trusted_hosts: must not list a host twice'],
    ],
    [
      'a loopback host without a loopback issuer',
      { trusted_hosts: ['localhost:9000', 'a.example'], default_api: 'shop' },
      ['agents.trusted_hosts: must list a loopback host only if the issuer is a loopback address'],
    ],
    [
      'a host twice',
      { trusted_hosts: ['a.example', 'a.example'], default_api: 'shop' },
      ['agents.trusted_hosts: must not list a host twice'],
    ],
    [
      'another word than any',
      { trusted_hosts: 'all', default_api: 'shop' },
      ['agents.trusted_hosts: must be a list of hosts, or any'],
    ],
    [
      'hosts without an API',
      { trusted_hosts: ['a.example'] },
      ['agents.default_api: is required with agents.trusted_hosts: set it to one of apis that has agents'],
    ],
    [
      'an API without agents',
      { default_api: 'office' },
      ['agents.default_api: must name one of apis that has agents'],
    ],
    [
      'an unknown API',
      { default_api: 'depot' },
      ['agents.default_api: must name one of apis that has agents'],
    ],
  ])('the key `agents` is refused with %s', (_case, agents, problems) => {
    const apis = { shop: { ...SHOP, agents: true }, office: OFFICE }
    expect(problemsIn(yaml({ apis, agents }))).toEqual(problems)
    const valid = { trusted_hosts: 'any', default_api: 'shop' }
    expect(problemsIn(yaml({ apis, agents: valid }))).toEqual([])
  })

  it('a loopback issuer can trust documents of loopback hosts, with a port', () => {
    const apis = { shop: { ...SHOP, agents: true } }
    const agents = { trusted_hosts: ['localhost:9000', '127.0.0.1', '[::1]:9000'], default_api: 'shop' }
    expect(problemsIn(yaml({ issuer: 'http://localhost:8787', apis, agents }))).toEqual([])
  })

  it('the key `admin_api` is not in the message about an invalid API', () => {
    expect(problemsIn(yaml({ apis: { shop: { ...SHOP, users: 7 } } }))).toEqual([
      'apis.shop.users: must be a name',
    ])
  })
})

describe('the port of a local server', () => {
  const apis = {
    shop: { audience: 'http://127.0.0.1:8787/shop', users: 'customers' },
    near: { audience: 'http://127.0.0.1:8788/near', users: 'customers' },
    live: { audience: 'https://shop.test/api', users: 'customers' },
  }
  const placesIn = (issuer: string, localPort?: string) => {
    const config = parseConfig(yaml({ issuer, apis }), { localPort })
    return [config.issuer, ...[...config.apis.values()].map((api) => api.audience)]
  }

  it('the port of a local server replaces the port of a loopback issuer and of the audiences under it, and of no other URL', () => {
    expect(placesIn('http://127.0.0.1:8787', '9000')).toEqual([
      'http://127.0.0.1:9000',
      'http://127.0.0.1:9000/shop',
      'http://127.0.0.1:8788/near',
      'https://shop.test/api',
    ])
  })

  it('LOCAL_AUDIENCES replaces audiences only if the issuer is a loopback address', () => {
    const audiencesIn = (issuer: string) => {
      const local = 'near=http://localhost:9004/a?b=c live=http://localhost:9005'
      const config = resolveConfig(parseSettings(yaml({ issuer, apis })), undefined, local)
      return [...config.apis.values()].map((api) => api.audience)
    }
    expect(audiencesIn('http://127.0.0.1:8787')).toEqual([
      apis.shop.audience,
      'http://localhost:9004/a?b=c',
      'http://localhost:9005',
    ])
    expect(audiencesIn('https://id.shop.test')).toEqual(Object.values(apis).map((api) => api.audience))
  })

  it('the port of a local server changes nothing if it is absent, or if the issuer is not a loopback address', () => {
    const audiences = Object.values(apis).map((api) => api.audience)
    expect(placesIn('http://127.0.0.1:8787')).toEqual(['http://127.0.0.1:8787', ...audiences])
    expect(placesIn('https://id.shop.test', '9000')).toEqual(['https://id.shop.test', ...audiences])
  })

  it.each([
    ['http://localhost:8787', 'http://localhost:9000'],
    ['http://[::1]:8787', 'http://[::1]:9000'],
    ['http://127.0.0.1', 'http://127.0.0.1:9000'],
  ])('the port of a local server replaces the port of the issuer %s', (issuer, moved) => {
    expect(placesIn(issuer, '9000')[0]).toBe(moved)
  })
})

describe('the key `challenge`', () => {
  const table = (changes: Record<string, unknown>) => ({ challenge: { verify_url: VERIFY_URL, ...changes } })
  const BAD_URL = 'must be https, or http on a loopback address, without user, query or fragment'

  it('the key `challenge` has the defaults `open` and a timeout of two seconds', () => {
    const { challenge } = parseConfig(yaml(table({})))
    expect(challenge).toEqual({ verifyUrl: VERIFY_URL, whenDown: 'open', timeoutMs: 2000 })
  })

  it('the key `challenge` accepts a loopback URL only if the issuer is one', () => {
    const verify_url = 'http://127.0.0.1:8790/siteverify'
    expect(problemsIn(yaml({ issuer: 'http://127.0.0.1:8787', ...table({ verify_url }) }))).toEqual([])
    expect(problemsIn(yaml(table({ verify_url })))).toEqual([
      'challenge.verify_url: must not be a loopback address if the issuer is not a loopback address',
    ])
  })

  it.each([
    [{ verify_url: 'http://challenge.test/siteverify' }, `verify_url: ${BAD_URL}`],
    [{ verify_url: `${VERIFY_URL}?secret=x` }, `verify_url: ${BAD_URL}`],
    [{ verify_url: 'https://key@challenge.test/siteverify' }, `verify_url: ${BAD_URL}`],
    [{ when_down: 'refuse' }, 'when_down: must be one of open, closed'],
    [{ timeout: 11 }, 'timeout: must be at most 10 seconds'],
    [{ secret: 'x' }, 'secret: is not a known key (line 8)'],
  ])('the key `challenge` is refused with %j', (changes, problem) => {
    expect(problemsIn(yaml(table(changes)))).toEqual([`challenge.${problem}`])
  })
})
