import { decodeJwt } from 'jose'
import * as z from 'zod/mini'
import type { TextSealer } from '../keys/text_sealer.ts'
import { CSRF_FIELD } from '../pages/csrf.ts'
import type { Form } from '../pages/form.ts'
import { ActionForm } from './action_form.tsx'
import { OWN_PASSWORD_FIELD } from './admin_problem.ts'
import { CONSOLE_PATH } from './console_path.ts'
import type { ConsoleSession } from './console_session.ts'
import { describeTarget, labelValues } from './kept_labels.ts'
import { Facts, Heading } from './parts.tsx'

/** The hidden field of the sign-in with the sealed form. */
export const KEPT_FIELD = 'kept'

const MAX_AGE_SECONDS = 3600
/** A sign-in with the sealed form must fit into the maximum of a form. */
const MAX_CHARACTERS = 12_000
const PURPOSE = 'form of an ended session'
const LEFT_OUT: readonly string[] = [
  ...[CSRF_FIELD, OWN_PASSWORD_FIELD, 'password', 'repeated', 'current_password'],
]

const keptSchema = z.object({
  purpose: z.literal(PURPOSE),
  /** The operator who typed the form. */
  subject: z.string(),
  path: z.string(),
  fields: z.array(z.tuple([z.string(), z.string()])),
  /** Unix seconds. */
  at: z.int(),
})
export type KeptForm = z.output<typeof keptSchema>

/**
 * Seals a posted form whose session has ended, without passwords, for the sign-in of the same operator.
 *
 * @param session The session whose CSRF token the form had.
 * @returns The sealed form; empty if it is too long
 */
export async function keepForm(
  form: Form,
  { path, session, now }: { path: string; session: ConsoleSession; now: number },
  sealer: TextSealer,
): Promise<string> {
  const subject = decodeJwt(session.accessToken).sub ?? ''
  const fields = form.entries().filter(([name]) => !LEFT_OUT.includes(name))
  const sealed = await sealer.sealValue({ purpose: PURPOSE, subject, path, fields, at: now })
  return sealed.length > MAX_CHARACTERS ? '' : sealed
}

/** The kept form of this operator; null if it is too old, or if another operator typed it. */
export async function openKeptForm(
  sealed: string,
  { operatorId, now }: { operatorId: string; now: number },
  sealer: TextSealer,
): Promise<KeptForm | null> {
  const kept = sealed === '' ? null : await sealer.openValue(sealed, keptSchema)
  return kept !== null && kept.subject === operatorId && now - kept.at <= MAX_AGE_SECONDS ? kept : null
}

/** The typed values after the sign-in, with a button that sends them. */
export function SendAgain({ kept, csrf }: { kept: KeptForm; csrf: string }) {
  return (
    <>
      <Heading
        title="Send the form again"
        lead="Your session had ended, so nothing was saved. These are the values that you typed, without passwords."
      />
      <Facts facts={[['Form', describeTarget(kept.path)], ...labelValues(kept.path, kept.fields)]} />
      <ActionForm csrf={csrf} action={kept.path.slice(CONSOLE_PATH.length)}>
        {kept.fields.map(([name, value]) => (
          <input type="hidden" name={name} value={value} />
        ))}
        <div class="confirm-buttons">
          <button type="submit" class="primary">
            Send the form
          </button>
          <a class="button" href={CONSOLE_PATH}>
            Discard the form
          </a>
        </div>
      </ActionForm>
    </>
  )
}
