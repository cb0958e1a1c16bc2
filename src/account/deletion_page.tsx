import { DELETION_SECONDS } from '../accounts/account_deletion.ts'
import { looksOf } from '../browser/looks.ts'
import { PageFrame } from '../browser/page_frame.tsx'
import { accountPathOf } from '../config/account_path.ts'
import { formatDuration } from '../lib/local_words.ts'
import { breakable } from '../pages/breakable.tsx'
import { OWN_ORIGIN_ONLY } from '../pages/content_policy.ts'
import { Input } from '../pages/fields.tsx'
import { renderPage } from '../pages/render_page.ts'
import type { AccountPage } from './account_page.ts'
import { signInUrl } from './account_proof.ts'
import type { AccountRequest } from './account_request.ts'
import { scheduleDeletion } from './operations/schedule_deletion.ts'
import { type UserPageContent, type UserPageView, userPage } from './user_page.tsx'

const SCHEDULED_PATH = '/deletion/scheduled'

/** The page that deletes the account. */
const requestPage = userPage({
  path: '/deletion',
  section: 'deletion',
  isSensitive: true,
  keptFields: ['username'],
  show: showDeletion,
  async submit(request, form) {
    const { c, pool, services } = request
    await scheduleDeletion(form.text('username'), request)
    services.cookies.session(pool).clear(c)
    return { leaveTo: accountPathOf(pool) + SCHEDULED_PATH }
  },
  async whenSignedOut({ pool, services }, subject) {
    const user = await services.userAdmin.find(subject)
    return user === null || user.deletionAt === null ? null : accountPathOf(pool) + SCHEDULED_PATH
  },
})

/** The page after the request. It needs no sign-in, because a sign-in cancels the deletion. */
const scheduledPage: AccountPage = { path: SCHEDULED_PATH, GET: showScheduled }

export const deletionPages: readonly AccountPage[] = [requestPage, scheduledPage]

function showDeletion({ request, looks, texts, state, PageForm }: UserPageContent): UserPageView {
  const { deletion } = texts
  const body = (
    <PageForm>
      <p>{deletion.text(formatDuration(DELETION_SECONDS, looks.language))}</p>
      <Input
        state={state}
        name="username"
        label={breakable(deletion.confirm(request.signedIn.user.username))}
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        required
      />
      <button type="submit" class="danger">
        {deletion.submit}
      </button>
    </PageForm>
  )
  return { title: texts.sections.deletion, body }
}

async function showScheduled(request: AccountRequest): Promise<Response> {
  const { c, services } = request
  const looks = await looksOf(c, services)
  const { texts, language } = looks
  const { scheduledTitle: title, scheduledText } = texts.accountPage.deletion
  const document = (
    <PageFrame title={title} looks={looks} assets={await services.assets.paths()}>
      <h1>{title}</h1>
      <p>{scheduledText(formatDuration(DELETION_SECONDS, language))}</p>
      <p>
        <a href={signInUrl('', null, request)}>{texts.signIn.title}</a>
      </p>
    </PageFrame>
  )
  return renderPage(c, { document, policy: OWN_ORIGIN_ONLY })
}
