import * as z from 'zod/mini'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'
import { decodeUserRow, type User } from './user.ts'

/** Data for operators, to find a user. Tokens, log lines and audit events never contain it. */
export interface Profile {
  name?: string | undefined
  email?: string | undefined
}

/** A user with the data for operators. Times are Unix seconds. */
export interface UserRecord extends User {
  profile: Profile
  /** Increases with each change. */
  version: number
  /** Null before the first change. */
  updatedAt: number | null
}

const extrasSchema = z.object({ profile: z.string(), version: z.int(), updated_at: z.nullable(z.int()) })
const profileSchema: z.ZodMiniType<Profile> = z.object({
  name: z.optional(z.string()),
  email: z.optional(z.string()),
})

/** Decodes the column `profile` of a user. @throws CorruptRecord */
export function decodeProfile(record: string, text: string): Profile {
  return decodeRecord(profileSchema, record, parseJsonColumn(record, text))
}

/** Decodes a row of `users`. @throws CorruptRecord */
export function decodeUserRecord(value: unknown): UserRecord {
  const user = decodeUserRow(value)
  const record = `user ${user.id}`
  const { profile, version, updated_at } = decodeRecord(extrasSchema, record, value)
  return { ...user, profile: decodeProfile(record, profile), version, updatedAt: updated_at }
}
