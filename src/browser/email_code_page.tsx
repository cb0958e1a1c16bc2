import { BROWSER_PATH, SIGN_IN_PATH } from './browser_path.ts'
import { MailedCodeForm } from './code_input.tsx'
import { OtherAccount } from './other_account.tsx'
import type { PageContent, StepPage } from './step_page.ts'

/** The page that asks for the code in the mail. It is the same for every name, also for one without an account. */
export async function emailCodePage(content: PageContent): Promise<StepPage> {
  const {
    situation,
    looks: { texts },
    ticketFor,
  } = content
  const name = situation.requestedCode?.name ?? ''
  const { title } = texts.emailCode
  const text = texts.emailCode.text(name)
  const form = <MailedCodeForm content={content} title={title} text={text} submit={texts.emailCode.submit} />
  const after = (
    <>
      <form method="post" action={BROWSER_PATH + SIGN_IN_PATH} class="aside">
        <input type="hidden" name="username" value={name} />
        {await ticketFor('sign_in')}
        <button type="submit" name="decision" value="email_code" class="link">
          {texts.emailCode.again}
        </button>
      </form>
      <OtherAccount ticket={await ticketFor('select_account')} label={texts.emailCode.other} />
    </>
  )
  return { title, form, after }
}
