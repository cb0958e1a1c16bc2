import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { parseConfig } from '../../src/config/parse_config.ts'
import { ConfigError } from '../../src/config/read_settings.ts'

const SHOP = { audience: 'https://shop.test/api', users: 'customers' }
const OPERATORS = { audience: 'https://id.shop.test/admin/api', users: 'operators' }
const U1 = { name: 'u1', binding: 'USERS_1' }
const U2 = { name: 'u2', binding: 'USERS_2' }
const DATABASES = {
  pools: ['customers'],
  databases: [U1, { ...U2, new_users: ['customers'] }],
}

function textOf(changes: Record<string, unknown> = {}): string {
  return stringify({
    issuer: 'https://id.shop.test',
    apis: { shop: SHOP, admin: OPERATORS },
    admin_api: 'admin',
    session_objects: { per_market: 1 },
    user_databases: DATABASES,
    ...changes,
  })
}

function problemsIn(changes: Record<string, unknown>): string[] {
  try {
    parseConfig(textOf(changes))
    return []
  } catch (error) {
    if (error instanceof ConfigError) return [...error.problems]
    throw error
  }
}

const SESSIONS = 'user_databases: needs session_objects with a per_market of at least 1'
const BINDING =
  'user_databases.databases: must not use the binding DB or a binding of session_shards, audit_databases or index_databases'
const absent = (key: string) => [
  `accounts.customers.${key}: must be absent, because user_databases lists the pool`,
]

describe('the key `user_databases`', () => {
  it('the configuration has the pools and the databases', () => {
    const { userDatabases } = parseConfig(textOf())
    expect(userDatabases).toEqual({
      pools: ['customers'],
      databases: [
        { ...U1, newUsers: [] },
        { ...U2, newUsers: ['customers'] },
      ],
    })
  })

  it.each<[Record<string, unknown>, string[]]>([
    [{ session_objects: undefined }, [SESSIONS]],
    [{ session_objects: { per_market: 0 } }, [SESSIONS]],
    [{ user_databases: { ...DATABASES, databases: [{ name: 'u1', binding: 'DB' }] } }, [BINDING]],
    [
      {
        session_shards: [
          { name: 's1', binding: 'DB' },
          { name: 's2', binding: 'USERS_1', continents: ['EU'] },
        ],
      },
      [BINDING],
    ],
    [{ session_objects: { per_market: 1, index_databases: [{ binding: 'USERS_2' }] } }, [BINDING]],
    [
      { user_databases: { ...DATABASES, databases: [U1, { name: 'u1', binding: 'USERS_2' }] } },
      ['user_databases.databases: must not give two databases the same name or binding'],
    ],
    [
      { user_databases: { pools: ['nobody'], databases: [U1] } },
      ['user_databases.pools: must have only pools that an API names as users, not nobody'],
    ],
    [
      { user_databases: { pools: ['operators'], databases: [U1] } },
      ['user_databases.pools: must not have the pool of admin_api'],
    ],
    [
      { user_databases: { pools: [], databases: [U1] } },
      ['user_databases.pools: must list at least one pool'],
    ],
    [
      { user_databases: { ...DATABASES, pools: ['customers', 'customers'] } },
      ['user_databases.pools: must not list a pool twice'],
    ],
    [
      { user_databases: { ...DATABASES, databases: [U1, { ...U2, new_users: ['customers', 'guests'] }] } },
      ['user_databases.databases: must have in new_users only pools of user_databases.pools, not guests'],
    ],
    [
      { user_databases: { ...DATABASES, databases: [{ ...U1, new_users: ['customers', 'customers'] }] } },
      ['user_databases.databases.0.new_users: must not list a pool twice'],
    ],
    [
      { user_databases: { ...DATABASES, databases: [{ ...U1, new_users: true }] } },
      [
        'user_databases.databases.0.new_users: must be a list of pools',
        'user_databases.databases: must have in new_users only pools of user_databases.pools, not true',
      ],
    ],
    [
      { user_databases: { ...DATABASES, databases: [] } },
      ['user_databases.databases: must list at least one database'],
    ],
    [{ accounts: { customers: { self_service: true } } }, absent('self_service')],
    [{ accounts: { customers: { second_factor: 'optional' } } }, absent('second_factor')],
    [{ accounts: { customers: { second_factor_roles: ['buyer'] } } }, absent('second_factor_roles')],
    [{ accounts: { customers: { passkeys: { rp_id: 'shop.test' } } } }, absent('passkeys')],
    [{ accounts: { operators: { second_factor: 'required' } } }, []],
  ])('an impossible combination is refused: %j', (changes, problems) => {
    expect(problemsIn(changes)).toEqual(problems)
  })

  it.each(['sign_up', 'email_code'])('an impossible combination is refused: %s', (key) => {
    const mail = {
      driver: 'webhook',
      from: { address: 'shop@shop.test', name: 'Shop' },
      url: 'https://mail.test/',
    }
    const value = key === 'sign_up' ? true : 'sign_in'
    expect(problemsIn({ mail, accounts: { customers: { [key]: value } } })).toEqual(
      expect.arrayContaining(absent(key)),
    )
  })
})
