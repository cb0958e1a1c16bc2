import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { decodeProfile, type Profile } from './profile.ts'
import { decodeUserRow, type StoredUser } from './user.ts'

/** A user in the admin API. */
export interface UserRecord extends Omit<StoredUser, 'profileJson'> {
  profile: Profile
  /** Increases with each change. */
  version: number
}

const versionSchema = z.object({ version: z.int() })

/** Decodes a row of `users`. @throws CorruptRecord */
export function decodeUserRecord(value: unknown): UserRecord {
  const { profileJson, ...user } = decodeUserRow(value)
  const record = `user ${user.id}`
  const { version } = decodeRecord(versionSchema, record, value)
  return { ...user, profile: decodeProfile(record, profileJson), version }
}
