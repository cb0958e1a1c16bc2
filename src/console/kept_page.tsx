import { ActionForm } from './action_form.tsx'
import { CONSOLE_PATH } from './console_path.ts'
import type { KeptForm } from './kept_forms.ts'
import { describeTarget, labelValues } from './kept_labels.ts'
import type { Page } from './page.ts'
import { Facts, Heading } from './parts.tsx'

/** The page with the kept form, below CONSOLE_PATH. */
export const KEPT_PATH = '/kept'

/** The page after the sign-in that replaced a form. */
export const keptPage: Page = {
  method: 'GET',
  path: KEPT_PATH,
  role: 'support',
  async handle({ findKeptForm, csrfToken }) {
    const kept = await findKeptForm()
    if (kept === null) return { title: 'Nothing was saved', body: <NotKept /> }
    return { title: 'Send the form again', body: <SendAgain kept={kept} csrf={csrfToken} /> }
  },
}

function NotKept() {
  return (
    <>
      <Heading
        title="Nothing was saved"
        lead="Your session had ended, so your last change was not saved. Make the change again."
      />
      <a class="button" href={CONSOLE_PATH}>
        Go to the dashboard
      </a>
    </>
  )
}

/** The typed values with a button that sends them. */
function SendAgain({ kept, csrf }: { kept: KeptForm; csrf: string }) {
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
