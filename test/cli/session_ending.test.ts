import { describeEnding } from '@sallyport/formats/session_ending'
import { describe, expect, it } from 'vitest'

const AT = 1_795_601_643

/** The sentence of the command line, which has a time, and that of the admin API. */
function sentences(
  state: string,
  end: Partial<Parameters<typeof describeEnding>[1]> = null,
  refresh_policy = 'rotate',
): string[] {
  const given = end && { at: AT, reason: '', actor: null, actor_name: null, ...end }
  return [
    { subject: 'Session s1.x', formatTime: (seconds: number) => `at ${seconds}` },
    { subject: 'It' },
  ].map((wording) => describeEnding({ state, expires_at: AT, refresh_policy }, given, wording))
}

describe('the sentence about the state of a session', () => {
  it.each([
    ['replayed refresh token', 'an old refresh token was used again: it may be stolen (theft)'],
    ['replayed authorization code', 'its authorization code was used again: it may be stolen (theft)'],
    ['revoked by its client', 'its application signed out'],
    ['merged into a customer', 'the guest signed in as a customer, and a new session replaced it'],
    ['its consent was withdrawn', 'the consent of the user to its application was withdrawn'],
    ['its signing key was revoked', 'its refresh tokens are refused: their signing key was revoked'],
    ['a reason of a newer server', 'a reason of a newer server'],
  ])('the sentence explains the reason "%s"', (reason, words) => {
    expect(sentences('ended', { reason })).toEqual([
      `Session s1.x ended at ${AT} because ${words}.`,
      `It ended because ${words}.`,
    ])
  })

  it('the sentence names the service account that ended the session', () => {
    const [, sentence] = sentences('ended', { reason: 'ended by a service account', actor: 'shop-backend' })
    expect(sentence).toBe('It ended because a service account ended it, by the service account shop-backend.')
  })

  it('the sentence names the operator who revoked the session, by name or by id', () => {
    const end = { reason: 'the user was disabled', actor: 'user:ops' }
    expect(sentences('cut_off', { ...end, actor_name: 'ops@shop.test' })[1]).toBe(
      'It ended because the user was disabled, by the operator ops@shop.test.',
    )
    expect(sentences('cut_off', end)[1]).toBe(
      'It ended because the user was disabled, by the operator user:ops.',
    )
  })

  it('the sentence names the possible reasons if the audit trail no longer has the revocation', () => {
    expect(sentences('cut_off')[0]).toBe(
      'Session s1.x ended because its user or client was disabled, deleted or signed out.',
    )
  })

  it('the sentence distinguishes an expired session from a live session', () => {
    const why = 'it was not refreshed in time, or it reached its maximum lifetime'
    expect(sentences('expired')).toEqual([`Session s1.x expired at ${AT}: ${why}.`, `It expired: ${why}.`])
    expect(sentences('live')).toEqual([
      `Session s1.x is live: it expires at ${AT}. A refresh extends it.`,
      'It is live. A refresh extends it.',
    ])
  })
  it('the sentence says that a refresh does not extend a session with the refresh policy fixed', () => {
    const [, live] = sentences('live', null, 'fixed')
    const [, expired] = sentences('expired', null, 'fixed')
    expect([live, expired]).toEqual([
      'It is live. A refresh does not extend it.',
      'It expired: it reached its maximum lifetime.',
    ])
  })
})
