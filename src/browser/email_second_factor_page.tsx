import { breakable } from '../pages/breakable.tsx'
import { BROWSER_PATH, EMAIL_SECOND_FACTOR_PATH } from './browser_path.ts'
import { MailedCodeForm } from './code_input.tsx'
import { SEND_CODE } from './email_second_factor_forms.ts'
import { OtherAccount } from './other_account.tsx'
import { userOf } from './situation.ts'
import type { PageContent, StepPage } from './step_page.ts'

/** The page that sends a code by mail as the second factor, and then asks for it. */
export async function emailSecondFactorPage(content: PageContent): Promise<StepPage> {
  const { situation, looks, ticketFor } = content
  const { texts } = looks
  const form = situation.secondFactorCode === null ? askToSend(content) : askForCode(content)
  const again =
    situation.secondFactorCode === null ? null : (
      <form method="post" action={BROWSER_PATH + EMAIL_SECOND_FACTOR_PATH} class="aside">
        {await ticketFor('email_second_factor')}
        <button type="submit" {...SEND_CODE} class="link">
          {texts.emailCode.again}
        </button>
      </form>
    )
  const after = (
    <>
      {again}
      <OtherAccount ticket={await ticketFor('select_account')} label={texts.useAnotherAccount} />
    </>
  )
  return { title: texts.secondFactor.title, form, after }
}

const askToSend = ({ situation, looks: { texts } }: PageContent) => (
  <>
    <h1>{texts.secondFactor.title}</h1>
    <p class="soft">{breakable(texts.emailSecondFactor.ask(nameOf(situation)))}</p>
    <button type="submit" {...SEND_CODE} class="primary">
      {texts.signIn.emailCode}
    </button>
  </>
)

const askForCode = (content: PageContent) => {
  const { secondFactor, emailSecondFactor } = content.looks.texts
  const text = breakable(emailSecondFactor.sent(nameOf(content.situation)))
  return (
    <MailedCodeForm content={content} title={secondFactor.title} text={text} submit={secondFactor.submit} />
  )
}

function nameOf(situation: PageContent['situation']): string {
  return userOf(situation)?.username ?? ''
}
