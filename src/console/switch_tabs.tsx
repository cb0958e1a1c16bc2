/** The field with the value of the pressed tab. */
export const SWITCH_FIELD = 'switch_to'

interface SwitchTabsProps {
  /** What the tabs choose, such as `API`. */
  label: string
  names: Iterable<string>
  selected: string
  /** The text of the button that sends the form. */
  submit: string
}

/**
 * Tabs inside a form. A tab posts the form, so that the server shows it for another choice with the typed values. The Enter key
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
