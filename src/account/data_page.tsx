import { downloadData } from './operations/download_data.ts'
import { type UserPageContent, type UserPageView, userPage } from './user_page.tsx'

/** The page that downloads the stored data of the user. The form makes the file, because a link could be opened by another site. */
export const dataPage = userPage({
  path: '/data',
  section: 'data',
  isSensitive: true,
  show: showData,
  async submit(request) {
    const { c } = request
    c.header('Content-Disposition', 'attachment; filename="account.json"')
    return { response: c.json(await downloadData(request)) }
  },
})

function showData({ texts, PageForm }: UserPageContent): UserPageView {
  const body = (
    <PageForm>
      <p>{texts.data.text}</p>
      <button type="submit" class="primary">
        {texts.data.submit}
      </button>
    </PageForm>
  )
  return { title: texts.sections.data, body }
}
