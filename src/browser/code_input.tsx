import { type FieldState, Input } from '../pages/fields.tsx'

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
