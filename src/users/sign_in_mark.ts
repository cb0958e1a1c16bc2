import * as z from 'zod/mini'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'
import type { RequestContext } from '../lib/request_context.ts'

/** A lock of the account within this time after a sign-in ends the new session. */
export const MARK_SECONDS = 60

/** The most sign-ins of an account that D1 stores for this time, the newest first. */
export const MAX_MARKS = 20

/** The sessions of a sign-in by password. Times are Unix seconds. */
export interface SignInMark {
  /** The session, or the one that a code of the sign-in names; null if the sign-in issued no code yet. */
  sid: string | null
  /** The browser session of a sign-in on a page, and its absolute end; null for a sign-in by API. */
  browser: { id: string; keepUntil: number } | null
  clientId: string
  api: string
  startedAt: number
  expiresAt: number
}

/** The reasons for the end of a session just after its sign-in. */
export const SUSPICIONS = [
  'its account was locked within a minute of the sign-in',
  'its sign-in used an outdated record of the user',
] as const

export type Suspicion = (typeof SUSPICIONS)[number]

/** Sessions of a user that end for one reason. */
export interface Suspects {
  subject: string
  signIns: readonly SignInMark[]
  reason: Suspicion
}

/** Ends sessions that should not have started. */
export interface SuspectEnder {
  end(suspects: Suspects, context: RequestContext): Promise<void>
}

const marksSchema: z.ZodMiniType<(SignInMark & { at: number })[]> = z.array(
  z.object({
    sid: z.nullable(z.string()),
    // A row of the version before has none.
    browser: z._default(z.nullable(z.object({ id: z.string(), keepUntil: z.int() })), null),
    clientId: z.string(),
    api: z.string(),
    startedAt: z.int(),
    expiresAt: z.int(),
    at: z.int(),
  }),
)

/** The sign-ins of the last minute in the column `sign_ins`. @throws CorruptRecord */
export function decodeSignInMarks(json: string, now: number): SignInMark[] {
  const marks = decodeRecord(marksSchema, 'sign-ins', parseJsonColumn('sign-ins', json))
  return marks.filter(({ at }) => at > now - MARK_SECONDS)
}
