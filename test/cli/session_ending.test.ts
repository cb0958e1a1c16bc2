import { describe, expect, it } from 'vitest'
import { conclude } from '../../packages/cli/src/commands/conclusion.ts'
import { formatTime } from '../../packages/cli/src/core/time.ts'

const AT = 1_795_601_643
const WHEN = formatTime(AT)
const USER = { subject: 'user:a', subject_name: 'amanda@shop.test' }

function sentence(session: object, end: object | null, ending = ''): string {
  return conclude({ session: { sid: 's1.x', ...USER, ...session }, end, ending })
}

describe('the conclusion about a session', () => {
  it('the conclusion names a theft', () => {
    const end = { at: AT, reason: 'replayed refresh token', actor: null }
    expect(sentence({ state: 'ended' }, end)).toBe(
      `Session s1.x of amanda@shop.test (user:a) ended ${WHEN} because a refresh token was used again after its successor ` +
        'was in use: it may be stolen (theft).',
    )
  })

  it('names the service account that ended the session', () => {
    const end = { at: AT, reason: 'ended by a service account', actor: 'shop-backend' }
    expect(sentence({ state: 'ended' }, end)).toBe(
      `Session s1.x of amanda@shop.test (user:a) ended ${WHEN} because a service account ended it, by the service account shop-backend.`,
    )
  })

  it.each([
    ['revoked by its client', 'its application signed out'],
    ['merged into a customer', 'the guest signed in, and the customer took over'],
    ['a reason of a newer server', 'a reason of a newer server'],
  ])('the conclusion explains the reason "%s"', (reason, words) => {
    expect(sentence({ state: 'ended' }, { at: AT, reason, actor: null })).toBe(
      `Session s1.x of amanda@shop.test (user:a) ended ${WHEN} because ${words}.`,
    )
  })

  it('the conclusion about a session names the operator who revoked the session, with the time', () => {
    const end = { at: AT, reason: 'the user was disabled', actor: 'user:ops', actor_name: 'ops@shop.test' }
    expect(sentence({ state: 'cut_off' }, end)).toBe(
      `Session s1.x of amanda@shop.test (user:a) ended ${WHEN} because the user was disabled, by the operator ops@shop.test.`,
    )
  })

  it('the conclusion about a session shows the sentence of the server if the audit trail has no revocation', () => {
    expect(sentence({ state: 'cut_off' }, null, 'The session ended: somehow.')).toBe(
      'Session s1.x of amanda@shop.test (user:a): The session ended: somehow.',
    )
  })

  it('the conclusion distinguishes an expired session from a live session', () => {
    expect(sentence({ state: 'expired', expires_at: AT }, null)).toContain(
      `expired ${WHEN}: it was not refreshed in time`,
    )
    expect(sentence({ state: 'live', expires_at: AT }, null)).toContain(
      `has not ended: it expires ${WHEN}. A refresh extends it.`,
    )
  })
})
