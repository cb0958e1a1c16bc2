import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { selfService } from '../support/account.ts'
import { FUZZ_TIMEOUT_MS, fuzz, fuzzRuns } from '../support/fuzz_run.ts'
import { FuzzServer } from '../support/fuzz_server.ts'
import { TARGETS, type Target, TokenTargets } from '../support/fuzz_token_targets.ts'
import { editsOf, Forger, forgedToken, noToken, replaceAt } from '../support/fuzz_tokens.ts'
import { ACCOUNT_SCOPE } from '../support/server.ts'

/** The kinds of tokens. A changed token of a kind is sent to the target that accepts the original. */
const KINDS = {
  'access token': ['introspect', 'revoke', 'userinfo', 'account API', 'verifier'],
  'refresh token': ['refresh', 'introspect', 'revoke'],
  "operator's token": ['admin API'],
} as const satisfies Record<string, readonly Target[]>
type Kind = keyof typeof KINDS

const KIND_NAMES = Object.keys(KINDS) as Kind[]

let fuzzed: FuzzServer
let targets: TokenTargets
let forger: Forger

beforeAll(async () => {
  fuzzed = new FuzzServer({ config: { ...ACCOUNT_SCOPE, ...selfService() } }, { hashes: true })
  targets = await TokenTargets.make(fuzzed)
  forger = await Forger.of(fuzzed.server)
})

afterEach(() => targets.checkAlive())
afterAll(() => fuzzed.restore())

function tokenOf(kind: Kind): string {
  if (kind === 'access token') return targets.accessToken
  return kind === 'refresh token' ? targets.refreshToken : targets.operator.tokens.access_token
}

/** Skips an input that equals the original token, also after the trimming of a header. */
function checkOther(kind: Kind, token: string): Promise<void> {
  fc.pre(token.trim() !== tokenOf(kind))
  return checkKind(kind, token)
}

async function checkKind(kind: Kind, token: string): Promise<void> {
  for (const target of KINDS[kind]) await targets.checkRefused(target, token)
}

describe('a token that was not issued', { timeout: FUZZ_TIMEOUT_MS }, () => {
  it.each(KIND_NAMES)('a token with one replaced character is refused: each of the %s', (kind) =>
    fuzz(fc.integer({ min: 1, max: 63 }), fuzzRuns(1), async (offset) => {
      const token = tokenOf(kind)
      expect(token.length).toBeGreaterThan(400)
      for (let at = 0; at < token.length; at++) await checkKind(kind, replaceAt(token, at, offset))
    }),
  )

  it.each(KIND_NAMES)(
    `a token with changed last bits of its signature is refused: each of the %s`,
    async (kind) => {
      const token = tokenOf(kind)
      for (let offset = 1; offset < 64; offset++)
        await checkKind(kind, replaceAt(token, token.length - 1, offset))
    },
  )

  it.each(KIND_NAMES)(`an edited token is refused: ${fuzzRuns(400)} of the %s`, (kind) =>
    fuzz(editsOf(tokenOf(kind)), fuzzRuns(400), (token) => checkOther(kind, token)),
  )

  it.each(KIND_NAMES)(
    `a token with other claims or another signature is refused: ${fuzzRuns(400)} of the %s`,
    (kind) =>
      fuzz(forgedToken, fuzzRuns(400), async (forged) =>
        checkOther(kind, await forger.forge(tokenOf(kind), forged)),
      ),
  )

  it.each(TARGETS)(`a text that is not a token is refused: ${fuzzRuns(200)} to the %s`, (target) =>
    fuzz(noToken, fuzzRuns(200), (text) => targets.checkRefused(target, text)),
  )
})

describe('a token for another purpose', () => {
  it.each<[Target, () => Promise<string>]>([
    ['refresh', async () => targets.accessToken],
    ['refresh', async () => targets.operator.tokens.refresh_token ?? ''],
    ['introspect', async () => targets.operator.tokens.access_token],
    ['verifier', async () => targets.refreshToken],
    ['verifier', async () => targets.operator.tokens.access_token],
    ['verifier', async () => (await fuzzed.server.fetch('/revocations')).arrayBuffer().then(decode)],
    ['introspect', async () => (await fuzzed.server.fetch('/revocations')).arrayBuffer().then(decode)],
    ['userinfo', async () => targets.refreshToken],
    ['account API', async () => targets.refreshToken],
    ['admin API', async () => targets.accessToken],
    ['admin API', async () => targets.operator.tokens.refresh_token ?? ''],
  ])('the token is refused by the %s', async (target, tokenFor) => {
    await targets.checkRefused(target, await tokenFor())
  })
})

describe('the tokens that were tried', () => {
  it('the fuzz tests send thousands of tokens', async ({ annotate }) => {
    await annotate(fuzzed.counts.format())
    expect(fuzzed.counts.total).toBeGreaterThan(9000 * Math.min(1, fuzzRuns(1)))
  })
})

function decode(bytes: ArrayBuffer): string {
  return new TextDecoder().decode(bytes)
}
