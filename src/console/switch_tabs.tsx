import type { Form } from '../pages/form.ts'
import { IDEMPOTENCY_FIELD } from './action_form.tsx'
import { fieldsWithoutSecrets } from './kept_forms.ts'
import { goTo, type Redirection } from './page.ts'

/** The field with the value of the pressed tab. */
export const SWITCH_FIELD = 'switch_to'

/** A longer URL can be too long for a server on its way. */
const MAX_QUERY_CHARACTERS = 4000

/**
 * The redirect to a form for another choice. Its URL has the typed values, so Back, Forward and a reload keep them. It has no password
 * and no token.
 *
 * @param choice The field of the choice, and its new value.
 * @returns null if the values are too long for a URL
 */
export function switchTo(
  path: string,
  form: Form,
  [field, chosen]: readonly [field: string, chosen: string],
): Redirection | null {
  const own = [field, SWITCH_FIELD, IDEMPOTENCY_FIELD]
  const typed = fieldsWithoutSecrets(form).filter(([name, value]) => value !== '' && !own.includes(name))
  const query = new URLSearchParams([[field, chosen], ...typed]).toString()
  return query.length > MAX_QUERY_CHARACTERS ? null : goTo(`${path}?${query}`)
}

interface SwitchTabsProps {
  /** What the tabs choose, such as `API`. */
  label: string
  names: Iterable<string>
  selected: string
  /** The text of the button that sends the form. */
  submit: string
}

/**
 * Tabs inside a form. A tab posts the form, so that the server shows it for another choice with the typed values (`switchTo`). The Enter key
 * presses the first button of a form, which is a hidden copy of the button that sends it.
 */
export function SwitchTabs({ label, names, selected, submit }: SwitchTabsProps) {
  return (
    <>
      <button type="submit" class="hidden" tabindex={-1}>
        Enter key: {submit}
      </button>
      <fieldset class="field">
        <legend>{label}</legend>
        <div class="tabs">
          {[...names].map((name) => (
            <button
              type="submit"
              class="tab"
              name={SWITCH_FIELD}
              value={name}
              formnovalidate
              {...(name === selected ? { 'aria-current': 'true' as const } : {})}
            >
              {name}
            </button>
          ))}
        </div>
      </fieldset>
    </>
  )
}
