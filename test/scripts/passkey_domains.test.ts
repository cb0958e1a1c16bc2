import { expect, it } from 'vitest'
import { findUnusablePasskeys } from '../../scripts/passkey_domains.ts'
import { parseConfig } from '../../src/config/parse_config.ts'

const config = parseConfig(`
issuer: https://id.shop.example.com
apis:
  shop: { audience: https://shop.example.com/api, users: customers }
  office: { audience: https://shop.example.com/admin/api, users: staff }
accounts:
  customers: { passkeys: { rp_id: shop.example.com } }
`)

it('a deployment finds the passkeys that a changed rp_id makes unusable, and none of a pool without passkeys', () => {
  const domains = [
    { pool: 'customers', rpId: 'shop.example.com', count: 5 },
    { pool: 'customers', rpId: 'id.shop.example.com', count: 3 },
    { pool: 'staff', rpId: 'id.shop.example.com', count: 2 },
  ]
  expect(findUnusablePasskeys(domains, config)).toEqual([
    'config.yml: accounts.customers.passkeys.rp_id: 3 passkeys have id.shop.example.com and do not work with shop.example.com',
  ])
})
