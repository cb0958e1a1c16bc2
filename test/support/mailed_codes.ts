import { env } from 'cloudflare:workers'
import type { TestServer } from './server.ts'

/** Adds a user with a verified address. */
export async function addReader(server: TestServer, changes: Parameters<TestServer['addUser']>[0] = {}) {
  const user = await server.addUser({ username: `reader-${crypto.randomUUID()}`, ...changes })
  const email = `${crypto.randomUUID()}@example.com`
  await setAddress(user.id, email, true)
  return { ...user, email }
}

export async function setAddress(id: string, email: string, isVerified: boolean): Promise<void> {
  const profile = JSON.stringify({ email, email_verified: isVerified })
  await env.DB.prepare('UPDATE users SET profile = ? WHERE id = ?').bind(profile, id).run()
}

/** The codes of the mails since the last call. */
export async function takeCodes(server: TestServer): Promise<string[]> {
  const mails = await server.takeMails()
  return mails.map(({ text }) => /\b\d{6}\b/.exec(text)?.[0] ?? 'no code')
}

/** Whether a code was sent in a mail since the last call. A notification has none. */
export async function takesCode(server: TestServer): Promise<boolean> {
  return (await takeCodes(server)).some((code) => /^\d{6}$/.test(code))
}

/** Another code than a given one. */
export function wrongOf(code: string, i = 1): string {
  return String((Number(code) + i) % 1_000_000).padStart(6, '0')
}
