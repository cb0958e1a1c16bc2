import { breakable } from '../pages/breakable.tsx'
import { BROWSER_PATH, SIGN_IN_PATH, SIGN_UP_PATH } from './browser_path.ts'
import { MailedCodeForm } from './code_input.tsx'
import type { PageContent, StepPage } from './step_page.ts'

/** The page that asks for the code in the mail. It is the same for every address, also for one that has an account. */
export async function signUpCodePage(content: PageContent): Promise<StepPage> {
  const {
    situation,
    looks: { texts },
    ticketFor,
  } = content
  const address = situation.signUp?.requested.name ?? ''
  const { title } = texts.emailCode
  const text = breakable(texts.signUp.mail(address))
  const form = <MailedCodeForm content={content} title={title} text={text} submit={texts.signUp.submit} />
  const after = (
    <>
      <form method="post" action={BROWSER_PATH + SIGN_UP_PATH} class="aside">
        <input type="hidden" name="username" value={address} />
        {await ticketFor('sign_up')}
        <button type="submit" class="link">
          {texts.emailCode.again}
        </button>
      </form>
      <form method="post" action={BROWSER_PATH + SIGN_IN_PATH} class="aside">
        {await ticketFor('sign_in')}
        <button type="submit" name="decision" value="sign_up" class="link">
          {texts.signUp.otherAddress}
        </button>
      </form>
    </>
  )
  return { title, form, after }
}
