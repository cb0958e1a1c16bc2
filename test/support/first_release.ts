import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashSync } from 'bcryptjs'
import {
  base64url,
  CompactEncrypt,
  CompactSign,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  type JWTPayload,
} from 'jose'
import { unstable_splitSqlQuery as splitSql } from 'wrangler'
import { migrate } from '../../scripts/local_stores.ts'
import { UserMaker } from '../../scripts/make_user.ts'
import { makeTemporaryDirectory } from '../../scripts/worker_server.ts'
import { hashClientSecret } from '../../src/clients/client_secret.ts'
import type { Config } from '../../src/config/config.ts'
import { encodeUtf8 } from '../../src/lib/bytes.ts'

const FIXTURE = 'test/e2e/upgrade/first_release.sql'
const LAST_MIGRATION = '0007'

/** The password of every user of the fixture, and the secrets of its clients. */
export const PASSWORD = 'a passphrase of the first release'
export const SHOP = { client_id: 'shop', client_secret: 'sps_the-secret-of-the-shop' }
export const RETIRED_SECRET = 'sps_the-retired-secret-of-the-shop'
export const AGENCY = { client_id: 'agency', client_secret: 'sps_the-secret-of-the-agency' }

/** A signing key in the form of the first release: its seal has the kid and no times. */
interface OldKey {
  kid: string
  publicJwk: string
  sealedPrivateJwk: string
  sign(payload: JWTPayload, type: string): Promise<string>
}

/** The tokens of a session of the fixture. */
export interface OldTokens {
  access: string
  refresh: string
}

/** Makes tokens with the claims of the first release. */
export interface OldIssuer {
  kid: string
  /** @param seq The number of refreshes of the session. */
  tokens(session: { sid: string; subject: string; clientId: string; seq: number }): Promise<OldTokens>
}

/** Makes the tables of the first release and fills them. @param now Unix seconds */
export async function fillFirstRelease(
  db: D1Database,
  { config, sealingKey, now }: { config: Config; sealingKey: string; now: number },
): Promise<OldIssuer> {
  await migrate(db, firstMigrations())
  const key = await makeKey(base64url.decode(sealingKey))
  const draft = {
    pool: 'customers',
    username: 'ada@example.com',
    password: PASSWORD,
    roles: [],
    enabled: true,
  }
  const { passwordHash } = await new UserMaker({ ...config, breachedPasswords: null }).make(draft)
  const values: Record<string, string | number> = {
    now,
    kid: key.kid,
    public_jwk: key.publicJwk,
    sealed_private_jwk: key.sealedPrivateJwk,
    password_hash: passwordHash,
    imported_hash: hashSync(PASSWORD, 8),
    shop_secret_hash: await hashClientSecret(SHOP.client_secret),
    retired_secret_hash: await hashClientSecret(RETIRED_SECRET),
    agency_secret_hash: await hashClientSecret(AGENCY.client_secret),
  }
  const sql = readFileSync(FIXTURE, 'utf8').replaceAll(/\{(\w+)\}/g, (_, name) => toLiteral(values[name]))
  await db.batch(splitSql(sql).map((statement) => db.prepare(statement)))
  const audience = config.apis.get('storefront')?.audience ?? ''
  return {
    kid: key.kid,
    tokens: (session) => issueTokens(session, { key, issuer: config.issuer, audience, now }),
  }
}

/** A directory with the migrations of the first release. */
export function firstMigrations(): string {
  const directory = join(makeTemporaryDirectory(), 'migrations')
  mkdirSync(directory)
  for (const name of readdirSync('migrations').filter((file) => file.slice(0, 4) <= LAST_MIGRATION))
    cpSync(join('migrations', name), join(directory, name))
  return directory
}

function toLiteral(value: string | number | undefined): string {
  if (value === undefined) throw new Error('the fixture names an unknown value')
  return typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`
}

async function makeKey(sealingKey: Uint8Array): Promise<OldKey> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint(jwk)
  const sealedPrivateJwk = await new CompactEncrypt(encodeUtf8(JSON.stringify(await exportJWK(privateKey))))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid })
    .encrypt(sealingKey)
  return {
    kid,
    publicJwk: JSON.stringify({ ...jwk, kid, alg: 'ES256', use: 'sig' }),
    sealedPrivateJwk,
    sign: (payload, typ) =>
      new CompactSign(encodeUtf8(JSON.stringify(payload)))
        .setProtectedHeader({ alg: 'ES256', kid, typ })
        .sign(privateKey),
  }
}

async function issueTokens(
  { sid, subject, clientId, seq }: { sid: string; subject: string; clientId: string; seq: number },
  { key, issuer, audience, now }: { key: OldKey; issuer: string; audience: string; now: number },
): Promise<OldTokens> {
  const iat = now - 1800
  const claims = { iss: issuer, sub: subject, client_id: clientId, iat, sid, scope: 'cart catalog' }
  return {
    access: await key.sign({ ...claims, aud: audience, exp: iat + 3600, jti: `a-${sid}-${seq}` }, 'at+jwt'),
    refresh: await key.sign(
      { ...claims, aud: issuer, exp: iat + 2_592_000, jti: `${sid}.${seq}`, seq },
      'rt+jwt',
    ),
  }
}
