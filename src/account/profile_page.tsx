import { Input } from '../pages/fields.tsx'
import { Form } from '../pages/form.ts'
import { EDITABLE_TEXTS, editProfile, requireRecord } from './operations/edit_profile.ts'
import { type UserPageContent, type UserPageView, userPage } from './user_page.tsx'

const VERSION = 'version'

/** The page with the names of the user. */
export const profilePage = userPage({
  path: '/profile',
  section: 'profile',
  keptFields: EDITABLE_TEXTS,
  show: showProfile,
  async submit(request, form) {
    const [name, givenName, familyName] = EDITABLE_TEXTS.map((field) => form.text(field))
    const texts = { name: name ?? '', given_name: givenName ?? '', family_name: familyName ?? '' }
    await editProfile({ texts, version: Number(form.text(VERSION)) }, request)
    return { notice: 'profileSaved' }
  },
})

async function showProfile({ request, texts, state, PageForm }: UserPageContent): Promise<UserPageView> {
  const { profile, version } = await requireRecord(request)
  const stored = Form.of(Object.fromEntries(EDITABLE_TEXTS.map((name) => [name, profile[name] ?? ''])))
  const isRefused = EDITABLE_TEXTS.some((name) => state.form.has(name))
  const field = { state: { ...state, form: isRefused ? state.form : stored }, type: 'text' } as const
  const body = (
    <PageForm>
      <input type="hidden" name={VERSION} value={version} />
      <Input {...field} name="name" label={texts.profile.name} autocomplete="name" />
      <Input {...field} name="given_name" label={texts.profile.givenName} autocomplete="given-name" />
      <Input {...field} name="family_name" label={texts.profile.familyName} autocomplete="family-name" />
      <button type="submit" class="primary">
        {texts.profile.submit}
      </button>
    </PageForm>
  )
  return { title: texts.sections.profile, body }
}
