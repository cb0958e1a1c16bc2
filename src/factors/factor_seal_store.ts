import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { callStore } from '../lib/storage_error.ts'

/** A stored secret under an earlier key. */
export interface OldSeal {
  id: string
  sealedSecret: string
}

/** A new seal of a stored secret. */
export interface NewSeal {
  id: string
  from: string
  to: string
}

const sealsSchema: z.ZodMiniType<OldSeal[]> = z.array(z.object({ id: z.string(), sealedSecret: z.string() }))

const selectOld = (comparison: string) =>
  `SELECT id, sealed_secret AS sealedSecret FROM totp_factors WHERE sealed_by ${comparison} ?1 AND id > ?2`

/** The secrets of authenticator apps during a change of the sealing key, in D1. */
export class FactorSealStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /** Up to `limit` secrets under other keys than this one, after an id. @throws StorageUnavailable, CorruptRecord */
  async listOld(keyName: string, { after, limit }: { after: string; limit: number }): Promise<OldSeal[]> {
    const select = this.#db
      .prepare(`${selectOld('<')} UNION ALL ${selectOld('>')} ORDER BY id LIMIT ?3`)
      .bind(keyName, after, limit)
    const { results } = await callStore('D1 factors', () => select.all())
    return decodeRecord(sealsSchema, 'second factors', results)
  }

  /** Replaces seals that are still the same. @returns how many @throws StorageUnavailable */
  async replace(seals: readonly NewSeal[], keyName: string): Promise<number> {
    const replace = this.#db
      .prepare(
        `UPDATE totp_factors SET sealed_secret = seal.value ->> 'to', sealed_by = ?2 FROM json_each(?1) AS seal
         WHERE totp_factors.id = seal.value ->> 'id' AND sealed_secret = seal.value ->> 'from'`,
      )
      .bind(JSON.stringify(seals), keyName)
    const { meta } = await callStore('D1 factors', () => replace.run())
    return meta.changes
  }
}
