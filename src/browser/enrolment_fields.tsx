import { raw } from 'hono/html'
import type { StartedEnrolment } from '../factors/authenticator_apps.ts'
import type { FieldState } from '../pages/fields.tsx'
import { CodeInput } from './code_input.tsx'
import type { Looks } from './looks.ts'

/** The hidden field with the sealed secret of a new app. */
export const ENROLMENT_FIELD = 'enrolment'

interface EnrolmentFieldsProps {
  enrolment: StartedEnrolment
  state: FieldState
  texts: Looks['texts']['setUp']
}

/** The QR code of a new authenticator app, its key as text, and the field of the first code. */
export const EnrolmentFields = ({
  enrolment: { sealed, secret, uri, qr },
  state,
  texts,
}: EnrolmentFieldsProps) => (
  <>
    <p>{texts.scan}</p>
    <div class="qr" role="img" aria-label={texts.qr}>
      {raw(qr)}
    </div>
    <p>
      <a href={uri}>{texts.open}</a>
    </p>
    <p>
      {texts.key} <code class="key">{secret}</code>
    </p>
    <input type="hidden" name={ENROLMENT_FIELD} value={sealed} />
    <CodeInput state={state} name="totp" label={texts.code} />
  </>
)
