import { totpCodeOf, totpStepOf } from '../../src/factors/totp.ts'
import { decodeBase32 } from './base32.ts'
import type { TestServer } from './server.ts'

/** The authenticator app of a user. */
export interface TestApp {
  secret: Uint8Array
  /** The code at a time in Unix seconds. */
  codeAt(time: number): Promise<string>
}

/** An app with a secret in base32, as the page shows it. */
export function appOf(shown: string): TestApp {
  const secret = decodeBase32(shown.replaceAll(' ', ''))
  return { secret, codeAt: (time) => totpCodeOf(secret, totpStepOf(time)) }
}

/** Adds an authenticator app for a user, and goes on to the next code. */
export async function enrol<User extends { id: string; username: string }>(server: TestServer, user: User) {
  const names = { subject: user.id, account: user.username, service: 'Slow Pour' }
  const change = { clientId: 'shop', api: 'storefront', subject: user.id }
  const { authenticatorApps } = server.services
  const started = await authenticatorApps.start(names, server.clock.time)
  const app = appOf(started.secret)
  const first = { sealed: started.sealed, code: await app.codeAt(server.clock.time), isFirst: true }
  const confirmed = await authenticatorApps.confirm({ ...change, ...first }, server.context())
  if (confirmed.kind !== 'added') throw new Error(confirmed.kind)
  server.clock.time += 30
  return { ...app, user, change, started, recoveryCodes: confirmed.recoveryCodes }
}

/** A code that is wrong at a time near now. */
export async function wrongCode({ codeAt }: Pick<TestApp, 'codeAt'>, now: number): Promise<string> {
  const right = await Promise.all([-60, -30, 0, 30, 60].map((shift) => codeAt(now + shift)))
  for (let code = 0; ; code++) {
    const text = String(code).padStart(6, '0')
    if (!right.includes(text)) return text
  }
}
