import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { parseConfig } from '../../src/config/parse_config.ts'
import { accountsOf } from '../../src/config/pool_settings.ts'
import { ConfigError } from '../../src/config/read_settings.ts'

const ISSUER = 'https://id.shop.test'
const MAIL = { from: { name: 'Corner Shop', address: 'shop@shop.test' } }
const APIS = {
  shop: { audience: 'https://shop.test/api', users: 'customers' },
  admin: { audience: `${ISSUER}/admin/api`, users: 'operators' },
}

const yaml = (changes: Record<string, unknown>) =>
  stringify({ issuer: ISSUER, apis: APIS, admin_api: 'admin', mail: MAIL, ...changes })

function problemsIn(changes: Record<string, unknown>): string[] {
  try {
    parseConfig(yaml(changes))
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

const OFF = {
  signUp: false,
  emailCode: 'off',
  selfService: false,
  secondFactor: 'off',
  secondFactorRoles: [],
  passkeys: null,
}

describe('accounts in config.yml', () => {
  it('a pool that is not listed has no codes, no account page, no second factor and no passkeys', () => {
    const config = parseConfig(yaml({ accounts: { customers: {} } }))
    expect([accountsOf('customers', config), accountsOf('operators', config)]).toEqual([OFF, OFF])
  })

  it('a pool can set every key', () => {
    const customers = {
      sign_up: true,
      email_code: 'sign_in',
      self_service: true,
      second_factor: 'required',
      second_factor_roles: ['buyer'],
      passkeys: {
        rp_id: 'shop.test',
        origins: ['https://www.shop.test'],
        user_verification: 'preferred',
        required: true,
      },
    }
    const operators = { second_factor_roles: ['admin'], passkeys: { rp_id: 'id.shop.test' } }
    const config = parseConfig(yaml({ accounts: { customers, operators } }))
    expect(accountsOf('customers', config)).toEqual({
      signUp: true,
      emailCode: 'sign_in',
      selfService: true,
      secondFactor: 'required',
      secondFactorRoles: ['buyer'],
      passkeys: {
        rpId: 'shop.test',
        origins: ['https://www.shop.test'],
        userVerification: 'preferred',
        required: true,
      },
    })
    expect(accountsOf('operators', config)).toEqual({
      ...OFF,
      secondFactorRoles: ['admin'],
      passkeys: { rpId: 'id.shop.test', origins: [], userVerification: 'required', required: false },
    })
  })

  it.each(['sign_in', 'second_factor'])('email_code %s needs mail', (email_code) => {
    const accounts = { customers: { email_code } }
    expect([problemsIn({ accounts }), problemsIn({ accounts, mail: undefined })]).toEqual([
      [],
      ['accounts.customers.email_code: needs the key mail, because it sends mails'],
    ])
  })

  it('accounts are refused with every problem and its path', () => {
    const accounts = {
      customers: {
        sign_up: true,
        email_code: 'sign_in',
        second_factor: 'maybe',
        second_factor_roles: ['a b', 'buyer', 'buyer'],
        passkeys: { rp_id: 'other.test', origins: ['http://www.shop.test', 'https://www.shop.test/'] },
      },
      operators: { sign_up: true, passkeys: { user_verification: 'discouraged' } },
      guests: { second_factor: 'optional', totp: true },
    }
    expect(problemsIn({ accounts, mail: undefined }).toSorted()).toEqual([
      'accounts.customers.email_code: needs the key mail, because it sends mails',
      'accounts.customers.passkeys.origins.0: must be https, unless it is a loopback address',
      'accounts.customers.passkeys.origins.1: must be an exact origin, such as https://shop.example.com',
      'accounts.customers.passkeys.rp_id: must be the host of the issuer or a parent domain of it, such as example.com',
      'accounts.customers.second_factor: must be one of off, optional, required',
      'accounts.customers.second_factor_roles.0: must be plain text of 1 to 64 characters, without spaces, commas and vertical bars',
      'accounts.customers.second_factor_roles: must not list a role twice',
      'accounts.customers.sign_up: needs the key mail, because it sends mails',
      'accounts.guests.totp: is not a known key (line 30)',
      'accounts.guests: must be a pool that an API names as users',
      'accounts.operators.passkeys.rp_id: must be a host name, such as example.com',
      'accounts.operators.passkeys.user_verification: must be one of required, preferred',
      'accounts.operators.sign_up: must be false for the pool of admin_api',
      'accounts.operators.sign_up: needs the key mail, because it sends mails',
    ])
  })

  it.each([
    ['https://id.shop.test', 'id.shop.test', true],
    ['https://id.shop.test', 'shop.test', true],
    ['https://id.shop.test', 'test', false],
    ['https://id.shop.test', 'op.test', false],
    ['https://id.shop.test', 'www.id.shop.test', false],
    ['http://localhost:8787', 'localhost', true],
    ['http://127.0.0.1:8787', 'localhost', false],
  ])('at the issuer %s the rp_id %s is accepted: %s (WebAuthn §5.1.3)', (issuer, rp_id, isAccepted) => {
    const problems = problemsIn({ issuer, accounts: { customers: { passkeys: { rp_id } } } })
    expect(problems).toEqual(
      isAccepted
        ? []
        : [
            'accounts.customers.passkeys.rp_id: must be the host of the issuer or a parent domain of it, such as example.com',
          ],
    )
  })

  it.each(['127.0.0.1', '::1', '[::1]', 'Shop.test', 'shop.test:443', 'https://shop.test', ''])(
    'the rp_id %j is refused, because it is not a host name in lower case',
    (rp_id) => {
      expect(problemsIn({ accounts: { customers: { passkeys: { rp_id } } } })).toEqual([
        'accounts.customers.passkeys.rp_id: must be a host name in lower case, such as example.com, and not an IP address',
      ])
    },
  )
})

describe('mail in config.yml', () => {
  it('mail has the driver binding and budgets by default', () => {
    expect(parseConfig(yaml({})).mail).toEqual({
      from: { name: 'Corner Shop', address: 'shop@shop.test' },
      driver: 'binding',
      url: null,
      budgets: { address: 5, sender: 30, client: 3000, pool: 10_000 },
    })
  })

  it('mail can use a webhook', () => {
    const url = 'https://mail.shop.test/send'
    const mail = { ...MAIL, driver: 'webhook', url, budgets: { address: 3 } }
    expect(parseConfig(yaml({ mail })).mail).toMatchObject({
      driver: 'webhook',
      url,
      budgets: { address: 3, sender: 30, client: 3000, pool: 10_000 },
    })
  })

  it.each([
    [{}, 'mail.from: must be a mapping (key: value)'],
    [{ ...MAIL, driver: 'smtp' }, 'mail.driver: must be one of binding, webhook'],
    [{ ...MAIL, driver: 'webhook' }, 'mail.url: must be set with the driver webhook'],
    [{ ...MAIL, url: 'https://mail.shop.test/' }, 'mail.url: must be absent with the driver binding'],
    [
      { ...MAIL, driver: 'webhook', url: 'http://mail.shop.test/' },
      'mail.url: must be https, or http on a loopback address, without user, query or fragment',
    ],
    [
      { ...MAIL, driver: 'webhook', url: 'http://127.0.0.1:9000/' },
      'mail.url: must not be a loopback address if the issuer is not a loopback address',
    ],
    [
      { from: { ...MAIL.from, name: 'Shop\r\nBcc: x@x.test' } },
      'mail.from.name: must be a name of 1 to 60 characters',
    ],
    [
      { from: { ...MAIL.from, address: 'shop' } },
      'mail.from.address: must be an email address, such as zoe@example.com',
    ],
    [
      { from: { ...MAIL.from, address: 'köln@shop.test' } },
      'mail.from.address: must have only ASCII characters',
    ],
    [{ ...MAIL, budgets: { address: 0 } }, 'mail.budgets.address: must be at least 1'],
  ])('mail is refused: %j', (mail, problem) => {
    expect(problemsIn({ mail })).toEqual([problem])
  })
})
