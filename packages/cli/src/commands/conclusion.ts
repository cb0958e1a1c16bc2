import { describeEnding } from '@sallyport/formats/session_ending'
import type { SessionTimeline } from '../api/schemas.ts'
import { formatTime } from '../core/time.ts'

/** One sentence about the state of a session or the reason of its end, with the session, its user and the time. */
export function conclude({ session, end }: Pick<SessionTimeline, 'session' | 'end'>): string {
  const { sid, subject: id, subject_name: name } = session
  const subject = `Session ${sid} of ${name === null ? id : `${name} (${id})`}`
  return describeEnding(session, end, { subject, formatTime })
}
