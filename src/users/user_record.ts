import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import { decodeProfile, type Profile } from './profile.ts'
import { decodeUserRow, type User } from './user.ts'

/** A user with the profile. Times are Unix seconds. */
export interface UserRecord extends User {
  profile: Profile
  /** Increases with each change. */
  version: number
  /** Null before the first change. */
  updatedAt: number | null
}

const extrasSchema = z.object({ profile: z.string(), version: z.int(), updated_at: z.nullable(z.int()) })

/** Decodes a row of `users`. @throws CorruptRecord */
export function decodeUserRecord(value: unknown): UserRecord {
  const user = decodeUserRow(value)
  const record = `user ${user.id}`
  const { profile, version, updated_at } = decodeRecord(extrasSchema, record, value)
  return { ...user, profile: decodeProfile(record, profile), version, updatedAt: updated_at }
}
