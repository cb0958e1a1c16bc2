import { breakable } from '../pages/breakable.tsx'
import type { PageContent, StepPage } from './step_page.ts'

/** The page that shows who is signed in. */
export function accountPage({ situation, looks: { texts } }: PageContent): StepPage {
  const name = situation.signedIn?.user.username ?? ''
  const form = (
    <>
      <h1>{breakable(texts.account.signedInAs(name))}</h1>
      <p class="soft">{texts.account.choose(situation.browserRequest.client.name)}</p>
      <button type="submit" name="decision" value="keep" class="primary">
        {breakable(texts.account.keep(name))}
      </button>
      <button type="submit" name="decision" value="other">
        {texts.useAnotherAccount}
      </button>
    </>
  )
  return { title: texts.account.title, form }
}
