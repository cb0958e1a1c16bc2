import { LANGUAGES } from '../lib/language.ts'
import { formatLanguage } from '../lib/local_words.ts'
import { Input, type Option, Select } from '../pages/fields.tsx'
import { Form } from '../pages/form.ts'
import { EDITABLE_TEXTS, editProfile, requireRecord } from './operations/edit_profile.ts'
import { type UserPageContent, type UserPageView, userPage } from './user_page.tsx'

const VERSION = 'version'

/** The page with the names of the user, and with the language of mails. */
export const profilePage = userPage({
  path: '/profile',
  section: 'profile',
  keptFields: EDITABLE_TEXTS,
  show: showProfile,
  async submit(request, form) {
    const given = EDITABLE_TEXTS.filter((name) => form.has(name))
    const texts = Object.fromEntries(given.map((name) => [name, form.text(name)]))
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
      <Select
        state={field.state}
        name="locale"
        label={texts.profile.locale}
        options={[{ value: '', label: texts.profile.noLocale }, ...localesFor(profile.locale)]}
      />
      <button type="submit" class="primary">
        {texts.profile.submit}
      </button>
    </PageForm>
  )
  return { title: texts.sections.profile, body }
}

/** The languages of mails. A stored locale with a region or of another language stays a choice, so that a saved name keeps it. */
function localesFor(stored: string | undefined): Option[] {
  const isKnown = LANGUAGES.some((language) => language === stored)
  const tags = stored === undefined || isKnown ? LANGUAGES : [stored, ...LANGUAGES]
  return tags.map((tag) => ({ value: tag, label: formatLanguage(tag), language: tag }))
}
