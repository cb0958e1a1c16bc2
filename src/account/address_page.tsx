import { languageOf } from '../browser/looks.ts'
import { breakable } from '../pages/breakable.tsx'
import { Input } from '../pages/fields.tsx'
import { changeAddress } from './operations/change_address.ts'
import { requireRecord } from './operations/edit_profile.ts'
import { type UserPageContent, type UserPageView, userPage } from './user_page.tsx'

/** The field of the problem `no_address`. */
const FIELD = 'username'

/** The page on which a user requests the change of the address. */
export const addressPage = userPage({
  path: '/address',
  section: 'address',
  needsMail: true,
  isSensitive: true,
  keptFields: [FIELD],
  show: showAddress,
  async submit(request, form) {
    const language = languageOf(request.c)
    await changeAddress({ address: form.text(FIELD), language }, request)
    return { notice: 'addressRequested' }
  },
})

async function showAddress({ request, texts, state, PageForm }: UserPageContent): Promise<UserPageView> {
  const { email } = (await requireRecord(request)).profile
  const body = (
    <PageForm>
      {email === undefined ? null : <p>{breakable(texts.address.current(email))}</p>}
      <p>{texts.address.text}</p>
      <Input
        state={state}
        name={FIELD}
        label={texts.address.next}
        type="email"
        autocomplete="email"
        autocapitalize="none"
        spellcheck={false}
        required
      />
      <button type="submit" class="primary">
        {texts.address.submit}
      </button>
    </PageForm>
  )
  return { title: texts.sections.address, body }
}
