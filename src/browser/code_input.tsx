import type { Child } from 'hono/jsx'
import { type FieldState, Input } from '../pages/fields.tsx'
import { Form } from '../pages/form.ts'
import { fieldErrors } from './field_errors.ts'
import type { PageContent } from './step_page.ts'

interface CodeInputProps {
  state: FieldState
  name: string
  label: string
  autofocus?: boolean
}

/** The field of a code of six digits. A phone shows its number pad and offers the code of a message. */
export const CodeInput = (props: CodeInputProps) => (
  <Input {...props} inputmode="numeric" autocomplete="one-time-code" required />
)

interface MailedCodeFormProps {
  content: PageContent
  title: string
  /** Where the mail went. */
  text: Child
  submit: string
}

/** The main form of a page that asks for a code from a mail. */
export const MailedCodeForm = ({
  content: {
    problem,
    looks: { texts },
  },
  title,
  text,
  submit,
}: MailedCodeFormProps) => (
  <>
    <h1>{title}</h1>
    <p class="soft">{text}</p>
    <CodeInput
      state={{ form: Form.of({}), problem: fieldErrors(problem) }}
      name="email_code"
      label={texts.emailCode.code}
      autofocus
    />
    <button type="submit" class="primary">
      {submit}
    </button>
  </>
)
