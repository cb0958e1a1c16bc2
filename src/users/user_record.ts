import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { decodeUserRow, type StoredUser } from './user.ts'

/** A user with the version of the record. */
export interface UserRecord extends StoredUser {
  /** Increases with each change. */
  version: number
}

const versionSchema = z.object({ version: z.int() })

/** Decodes a row of `users`. @throws CorruptRecord */
export function decodeUserRecord(value: unknown): UserRecord {
  const user = decodeUserRow(value)
  const { version } = decodeRecord(versionSchema, `user ${user.id}`, value)
  return { ...user, version }
}
