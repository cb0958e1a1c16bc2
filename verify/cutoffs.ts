import type { AccessTokenClaims } from './claims.ts'
import type { CutoffEntry } from './feed_document.ts'

/** What the feed lists, by name: tokens that were issued before that second are dead. */
export class Cutoffs {
  readonly #before: ReadonlyMap<string, number>

  private constructor(before: ReadonlyMap<string, number>) {
    this.#before = before
  }

  static of(entries: readonly CutoffEntry[]): Cutoffs {
    return new Cutoffs(new Map()).with(entries)
  }

  get size(): number {
    return this.#before.size
  }

  /** With more entries. Of two for one name the later time holds, in whatever order they come. */
  with(entries: readonly CutoffEntry[]): Cutoffs {
    if (entries.length === 0) return this
    const before = new Map(this.#before)
    for (const [name, time] of entries) before.set(name, Math.max(time, before.get(name) ?? time))
    return new Cutoffs(before)
  }

  /** Without the entries whose tokens have all expired: those from before a second. */
  since(oldestBefore: number): Cutoffs {
    const live = [...this.#before].filter(([, before]) => before > oldestBefore)
    return live.length === this.#before.size ? this : new Cutoffs(new Map(live))
  }

  /** The claim by which a token was cut off; `all` where everything from before a second was; null where nothing was. */
  find({ sid, subject, clientId, jti, issuedAt }: AccessTokenClaims): string | null {
    if (this.#before.size === 0) return null
    const names = { sid, sub: subject, client_id: clientId, jti, all: true }
    const dead = Object.entries(names).find(
      ([name, value]) => issuedAt < (this.#before.get(`${name} ${value}`) ?? 0),
    )
    return dead ? dead[0] : null
  }
}
