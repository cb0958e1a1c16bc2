import type { Context } from 'hono'
import type { BrowserServices } from './browser_services.ts'
import { codeCallerOf } from './code_caller.ts'
import { languageOf } from './looks.ts'
import type { Submission } from './read_submission.ts'
import { acceptSecondFactor, firstFactorOf } from './second_factor_forms.ts'
import type { Situation } from './situation.ts'

/** The button that sends a code by mail. */
export const SEND_CODE = { name: 'decision', value: 'send_code' } as const

/** Sends a code as the second factor of the user. @throws OAuthError too_many_attempts, StorageUnavailable */
export async function sendSecondFactorCode(
  c: Context,
  situation: Situation,
  services: BrowserServices,
): Promise<Situation> {
  const { pool, ...caller } = await codeCallerOf(c, situation, services)
  const device = await services.cookies.device(pool).read(c)
  const language = languageOf(c)
  const request = { ...caller, pool, user: firstFactorOf(situation).user, device, language }
  const { context } = situation.browserRequest
  return { ...situation, secondFactorCode: await services.emailSecondFactor.send(request, context) }
}

/** Sends a code, or checks a code and begins the browser session. @throws InputRefused, OAuthError, StorageUnavailable, CorruptRecord */
export async function useEmailSecondFactor(
  c: Context,
  { form, situation }: Submission,
  services: BrowserServices,
): Promise<Situation> {
  if (form.text(SEND_CODE.name) === SEND_CODE.value) return sendSecondFactorCode(c, situation, services)
  const caller = await codeCallerOf(c, situation, services)
  const { id: subject } = firstFactorOf(situation).user
  const { secondFactorCode: token, factorRead: read } = situation
  const attempt = { ...caller, subject, token, code: form.text('email_code'), read }
  const result = await services.emailSecondFactor.verify(attempt, situation.browserRequest.context)
  return acceptSecondFactor(c, { result, factor: 'email_code' }, situation, services)
}
