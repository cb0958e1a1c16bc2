import { describe, expect, it } from 'vitest'
import { findOriginProblem } from '../../src/config/origin.ts'
import { parseConfig } from '../../src/config/parse_config.ts'
import { ConfigError } from '../../src/config/read_settings.ts'
import { TestOperator } from '../support/operator.ts'
import { configText, TestServer } from '../support/server.ts'

const NOT_EXACT = 'must be an exact origin, such as https://shop.example.com'
const NOT_SECURE = 'must be https, unless it is a loopback address'

const ORIGINS: [string, string | null][] = [
  ['https://shop.test', null],
  ['https://shop.test:8443', null],
  ['http://127.0.0.1:3000', null],
  ['http://[::1]:3000', null],
  ['http://localhost:3000', null],
  ['http://shop.test', NOT_SECURE],
  ['http://127.0.0.1.shop.test', NOT_SECURE],
  ['http://10.0.0.1', NOT_SECURE],
  ['https://shop.test/', NOT_EXACT],
  ['https://SHOP.test', NOT_EXACT],
  ['https://shop.test:443', NOT_EXACT],
  ['https://*.shop.test', NOT_EXACT],
  ['capacitor://localhost', NOT_EXACT],
  ['null', NOT_EXACT],
  ['', NOT_EXACT],
]

describe('the rule for the origins of web pages', () => {
  it.each(ORIGINS)(
    'the rule for the origins of web pages accepts exact https origins, and http only on a loopback address: %s',
    (origin, problem) => {
      expect(findOriginProblem(origin)).toBe(problem)
    },
  )

  it.each(ORIGINS)(
    'the rule for the origins of web pages is the same for config.yml and for a client: %s',
    async (origin, problem) => {
      const operator = await TestOperator.signIn(new TestServer())
      const draft = { client_id: `c-${crypto.randomUUID()}`, api: 'storefront', grants: ['password'] }
      const { status, body } = await operator.post('/clients', { ...draft, origins: [origin] })
      const problems = problem === null ? undefined : [{ path: 'origins.0', message: problem }]
      expect([status, body.errors ?? undefined]).toEqual([problem === null ? 201 : 422, problems])
      const read = () => parseConfig(configText({ cors: { allow_origins: [origin] } }))
      if (problem === null) expect(read().cors.allowOrigins).toEqual([origin])
      else expect(read).toThrow(new ConfigError([`cors.allow_origins.0: ${problem}`]))
    },
  )
})
