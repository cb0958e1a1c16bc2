import { describe, expect, it } from 'vitest'
import { roleOf } from '../../scripts/repair_role.ts'
import { parseConfig } from '../../src/config/parse_config.ts'

const config = parseConfig(`
issuer: https://id.shop.test
apis: { shop: { audience: https://shop.test/api, users: customers } }
session_shards: [{ name: s1, binding: DB }, { name: eu, binding: SESSIONS_EU, continents: [EU] },
  { name: na, binding: SESSIONS_NA, continents: [NA] }]
session_objects: { per_market: 1, index_databases: [{ binding: INDEX_1 }, { binding: SESSIONS_NA }, { binding: AUDIT_2 }] }
audit_databases: [{ binding: AUDIT_1 }, { binding: AUDIT_2 }, { binding: SESSIONS_EU }]
user_databases: { pools: [customers], databases: [{ name: u1, binding: USERS_1 }] }
`)

describe('the role of a restored database', () => {
  it.each([
    ['DB', { kind: 'main' }],
    ['SESSIONS_EU', { kind: 'further', uses: new Set(['shard', 'audit']) }],
    ['INDEX_1', { kind: 'further', uses: new Set(['index']) }],
    ['SESSIONS_NA', { kind: 'further', uses: new Set(['shard', 'index']) }],
    ['AUDIT_2', { kind: 'further', uses: new Set(['audit', 'index']) }],
    ['AUDIT_1', { kind: 'further', uses: new Set(['audit']) }],
    ['USERS_1', { kind: 'users', name: 'u1' }],
    ['OTHER', null],
  ])('the role of %s is that of config.yml', (binding, role) => {
    expect(roleOf(binding, config)).toEqual(role)
  })
})
