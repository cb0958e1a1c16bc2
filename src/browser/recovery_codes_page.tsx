import { RecoveryCodeList } from './recovery_code_list.tsx'
import type { PageContent, StepPage } from './step_page.ts'

/** The page that shows the new recovery codes once. Its button confirms that the user has kept them. */
export function recoveryCodesPage({ situation, looks: { texts } }: PageContent): StepPage {
  const form = (
    <>
      <h1>{texts.recoveryCodes.title}</h1>
      <p>{texts.recoveryCodes.text}</p>
      <RecoveryCodeList codes={situation.recoveryCodes ?? []} />
      <button type="submit" class="primary">
        {texts.recoveryCodes.submit}
      </button>
    </>
  )
  return { title: texts.recoveryCodes.title, form, isFinal: true }
}
