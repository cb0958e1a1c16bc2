import type { ShownSession } from '../admin/session_view.ts'

/**
 * The confirmation that ends one session.
 *
 * @param page The page with the confirmation, below /console
 * @param action The path that ends the session; absent if it is `/end` below the page
 */
export function endOf(
  { subject, subject_name: name }: ShownSession,
  { csrf, page, action = `${page}/end` }: { csrf: string; page: string; action?: string },
) {
  return {
    csrf,
    page,
    action,
    label: 'End this session',
    isDangerous: true,
    title: `End 1 session of ${name ?? subject}`,
    children:
      'Refreshes are refused at once. APIs refuse the access tokens within seconds. Other sessions of the user continue.',
  }
}
