import { InputRefused } from '../browser/input_refused.ts'
import { Input } from '../pages/fields.tsx'
import { Form } from '../pages/form.ts'
import { keepBrowserSession } from './keep_browser_session.ts'
import { changeOwnPassword } from './operations/change_own_password.ts'
import { type UserPageContent, type UserPageView, userPage } from './user_page.tsx'

/** The page that changes the password. */
export const passwordPage = userPage({
  path: '/password',
  section: 'password',
  isSensitive: true,
  show: showPassword,
  async submit(request, form) {
    const next = form.text('password')
    if (next !== form.text('repeated')) throw new InputRefused({ kind: 'different_passwords' })
    const user = await changeOwnPassword({ current: form.text('current_password'), next }, request)
    await keepBrowserSession(user, request)
    return { notice: 'passwordChanged' }
  },
})

function showPassword({ request, looks, texts, state, PageForm }: UserPageContent): UserPageView {
  const { password, username } = looks.texts
  const name = { form: Form.of({ username: request.signedIn.user.username }), problem: null }
  const field = { state, type: 'password', required: true } as const
  const body = (
    <PageForm>
      <p>{texts.password.text}</p>
      <Input state={name} name="username" label={username} autocomplete="username" readonly />
      <Input {...field} name="current_password" label={password.current} autocomplete="current-password" />
      <Input {...field} name="password" label={password.next} autocomplete="new-password" />
      <Input {...field} name="repeated" label={password.again} autocomplete="new-password" />
      <button type="submit" class="primary">
        {password.submit}
      </button>
    </PageForm>
  )
  return { title: texts.sections.password, body }
}
