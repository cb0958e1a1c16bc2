import { expect } from 'vitest'
import { TokenError } from '../../packages/verify/src/token_error.ts'
import { createVerifier, type Verifier } from '../../packages/verify/src/verifier.ts'
import { accountApi } from './account_api.ts'
import { CODE_CLIENT } from './authorize.ts'
import { checkAnswer } from './fuzz_checks.ts'
import type { FuzzServer } from './fuzz_server.ts'
import { toHeaderValue } from './fuzz_text.ts'
import { TestOperator } from './operator.ts'
import { credentials, ISSUER, STOREFRONT_AUDIENCE, type TestClient, type TokenResponse } from './server.ts'

/** Every endpoint or library that accepts a token. Each refuses an unissued token in its own way. */
export const TARGETS = [
  ...(['introspect', 'revoke', 'refresh', 'exchange', 'userinfo', 'account API'] as const),
  ...(['admin API', 'verifier'] as const),
] as const
export type Target = (typeof TARGETS)[number]

/** A server with a session of a customer, a session of an operator, and the targets of their tokens. */
export class TokenTargets {
  readonly #fuzzed: FuzzServer
  readonly #client: TestClient
  readonly #verifier: Verifier
  readonly operator: TestOperator
  tokens: TokenResponse

  private constructor(
    fuzzed: FuzzServer,
    { client, operator, tokens }: { client: TestClient; operator: TestOperator; tokens: TokenResponse },
  ) {
    this.#fuzzed = fuzzed
    this.#client = client
    this.operator = operator
    this.tokens = tokens
    this.#verifier = createVerifier({
      issuer: ISSUER,
      audience: STOREFRONT_AUDIENCE,
      fetch: (url, init) => fuzzed.server.fetch(new URL(url).pathname, init),
    })
  }

  /** @param fuzzed A server that hashes passwords, because users sign in. */
  static async make(fuzzed: FuzzServer): Promise<TokenTargets> {
    const { server } = fuzzed
    const client = await server.addClient({
      ...CODE_CLIENT,
      grants: ['password', 'authorization_code'],
      confidential: true,
    })
    const user = await server.addUser({ roles: ['wholesale'] })
    const tokens = await server.signIn(client, user.username)
    return new TokenTargets(fuzzed, { client, operator: await TestOperator.signIn(server), tokens })
  }

  get accessToken(): string {
    return this.tokens.access_token
  }

  get refreshToken(): string {
    return this.tokens.refresh_token ?? ''
  }

  /** Fails unless the target refuses the token, and neither the response nor the log contains a part of it. */
  async checkRefused(target: Target, token: string): Promise<void> {
    if (target === 'verifier') return this.#checkVerifier(token)
    if (target === 'admin API') return this.#checkBearer('/admin/api/me', 'sallyport-admin', token)
    if (target === 'userinfo') return this.#checkBearer('/oauth2-token/userinfo', ISSUER, token)
    if (target === 'account API') return this.#checkBearer(accountApi(), ISSUER, token)
    const grant = {
      refresh: 'refresh_token',
      exchange: 'authorization_code',
      introspect: null,
      revoke: null,
    }[target]
    const name = { refresh: 'refresh_token', exchange: 'code', introspect: 'token', revoke: 'token' }[target]
    const parameters = grant === null ? { [name]: token } : { grant_type: grant, [name]: token }
    const exchange = await this.#fuzzed.exchange(
      {
        method: 'POST',
        url: `${ISSUER}/oauth2-token${grant === null ? `/${target}` : ''}`,
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ ...credentials(this.#client), ...parameters }),
      },
      target,
    )
    checkAnswer(exchange)
    checkUnheard(token, exchange)
    const body = JSON.parse(exchange.text)
    if (exchange.status === 413) return
    if (grant !== null) expect([exchange.status, body.error]).toEqual([400, 'invalid_grant'])
    else expect([exchange.status, body]).toEqual([200, target === 'revoke' ? {} : { active: false }])
  }

  async #checkBearer(path: string, realm: string, token: string): Promise<void> {
    const exchange = await this.#fuzzed.exchange(
      {
        method: 'GET',
        url: ISSUER + path,
        headers: { Authorization: `Bearer ${toHeaderValue(token)}` },
        body: null,
      },
      path,
    )
    expect(exchange.status).toBe(401)
    expect(exchange.headers.get('WWW-Authenticate')).toBe(`Bearer realm="${realm}", error="invalid_token"`)
    checkUnheard(token, exchange)
  }

  async #checkVerifier(token: string): Promise<void> {
    this.#fuzzed.counts.add('verifier')
    const { time: now } = this.#fuzzed.server.clock
    const thrown: unknown = await this.#verifier.verify(token, { now }).catch((error: unknown) => error)
    expect(thrown).toBeInstanceOf(TokenError)
    expect((thrown as TokenError).code).toBe('invalid_token')
  }

  /** Fails unless both sessions are still valid. */
  async checkAlive(): Promise<void> {
    const { server } = this.#fuzzed
    const now = server.clock.time
    expect((await this.#verifier.verify(this.accessToken, { now })).roles).toEqual(['wholesale'])
    this.tokens = await server.refresh(this.#client, this.refreshToken)
    expect((await this.operator.get('/me')).status).toBe(200)
    await this.operator.refresh()
  }
}

/** Checks that no long part of a token is in a response or the log. */
function checkUnheard(token: string, { text, lines }: { text: string; lines: readonly string[] }): void {
  const heard = [text, ...lines].join('\n')
  for (const part of token.split('.')) if (part.length > 20) expect(heard).not.toContain(part)
}
