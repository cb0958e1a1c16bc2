import type { AccessTokenClaims } from './claims.ts'
import type { RevocationEntry } from './feed_document.ts'

/** The revocations of the feed. An entry revokes the tokens of its name that were issued before its time. */
export class RevocationEntries {
  readonly #before = new Map<string, number>()

  get size(): number {
    return this.#before.size
  }

  /** The number of names with these entries added. */
  sizeWith(entries: readonly RevocationEntry[]): number {
    const added = new Set(entries.map(([name]) => name).filter((name) => !this.#before.has(name)))
    return this.size + added.size
  }

  /** Adds entries. Of two entries for one name, the later time is kept. */
  add(entries: readonly RevocationEntry[]): void {
    for (const [name, before] of entries) {
      this.#before.set(name, Math.max(before, this.#before.get(name) ?? before))
    }
  }

  /** Removes the entries whose time is this second or earlier. All their tokens have expired. */
  removeUntil(second: number): void {
    for (const [name, before] of this.#before) if (before <= second) this.#before.delete(name)
  }

  /** The claim whose entry revokes the token, `all` for an entry that revokes every token, or null. */
  find({ sid, subject, clientId, jti, issuedAt }: AccessTokenClaims): string | null {
    if (this.#before.size === 0) return null
    const names = { sid, sub: subject, client_id: clientId, jti, all: true }
    const revoked = Object.entries(names).find(
      ([name, value]) => issuedAt < (this.#before.get(`${name} ${value}`) ?? 0),
    )
    return revoked ? revoked[0] : null
  }
}
