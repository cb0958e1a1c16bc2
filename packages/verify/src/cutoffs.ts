import type { AccessTokenClaims } from './claims.ts'
import type { CutoffEntry } from './feed_document.ts'

/** The entries of the feed by name: tokens of that name issued before that second are revoked. */
export class Cutoffs {
  readonly #before = new Map<string, number>()

  get size(): number {
    return this.#before.size
  }

  /** How many names the list would have with these entries. */
  sizeWith(entries: readonly CutoffEntry[]): number {
    const added = new Set(entries.map(([name]) => name).filter((name) => !this.#before.has(name)))
    return this.size + added.size
  }

  /** Of two entries for one name the later time counts, in any order. */
  add(entries: readonly CutoffEntry[]): void {
    for (const [name, before] of entries) {
      this.#before.set(name, Math.max(before, this.#before.get(name) ?? before))
    }
  }

  /** Removes the entries whose tokens have all expired: those that end at a second or earlier. */
  removeUntil(second: number): void {
    for (const [name, before] of this.#before) if (before <= second) this.#before.delete(name)
  }

  /** The claim whose entry revokes a token; `all` for an entry of every token; null if the token is not revoked. */
  find({ sid, subject, clientId, jti, issuedAt }: AccessTokenClaims): string | null {
    if (this.#before.size === 0) return null
    const names = { sid, sub: subject, client_id: clientId, jti, all: true }
    const dead = Object.entries(names).find(
      ([name, value]) => issuedAt < (this.#before.get(`${name} ${value}`) ?? 0),
    )
    return dead ? dead[0] : null
  }
}
