import type { Page as BrowserPage } from 'playwright-core'
import type { Page as ConsolePage } from '../../src/console/page.ts'
import type { LongData } from './long_data.ts'

/** One state of a page. */
export interface View {
  name: string
  /** Below the origin of the service. */
  path: string
  /** The demo user that sees the view; null without a sign-in. */
  username: 'operator' | 'support' | null
  /** Prepares the state after the page was loaded. */
  prepare?: (page: BrowserPage) => Promise<void>
}

type Views = (data: LongData) => Record<string, string | Omit<View, 'name' | 'username'>>

/** The views of each page of the console, by the path of the page. A view's value is an address below /console. */
const VIEWS: Readonly<Record<string, Views>> = {
  '/': () => ({ dashboard: '', 'dashboard-of-30-days': '?minutes=43200', 'dashboard-table': '?view=table' }),
  '/clients': () => ({ clients: '/clients', 'clients-empty': '/clients?q=nothing' }),
  '/clients/~new': () => ({
    'new-client': { path: '/clients/~new', prepare: openAll },
    'new-client-refused': { path: '/clients/~new', prepare: refuseClient },
    'new-client-secret': { path: '/clients/~new', prepare: createClient },
  }),
  '/clients/:id': ({ clientId }) => ({
    client: { path: `/clients/${clientId}`, prepare: openAll },
    'client-with-a-secret': '/clients/storefront-demo',
  }),
  '/users': () => ({ users: '/users', 'users-found': '/users?q=maximiliane' }),
  '/users/new': () => ({ 'new-user': '/users/new?pool=operators' }),
  '/users/:id/why': ({ userId }) => ({ 'why-signed-out': `/users/${userId}/why` }),
  '/users/:id': ({ userId }) => ({
    user: `/users/${userId}`,
    'user-with-every-action-open': { path: `/users/${userId}`, prepare: openAll },
  }),
  '/sessions': ({ userId }) => ({
    sessions: '/sessions',
    'sessions-of-a-user': `/sessions?subject=${userId}`,
  }),
  '/sessions/:sid': ({ sid }) => ({ timeline: { path: `/sessions/${sid}`, prepare: openAll } }),
  '/keys': () => ({ keys: { path: '/keys', prepare: openAll } }),
  '/audit': () => ({ audit: '/audit', 'audit-empty': '/audit?subject=nothing' }),
  '/search': () => ({ search: '/search?q=maximiliane', 'search-empty': '/search?q=nothing' }),
  '/password': () => ({ password: '/password' }),
  '/kept': () => ({ 'form-not-kept': '/kept' }),
}

/** The views of pages that need no session, and of errors. */
const otherViews = ({ userId }: LongData): View[] => [
  { name: 'home', path: '/', username: null },
  { name: 'sign-in', path: '/console/sign-in', username: null },
  { name: 'sign-in-cancelled', path: '/console', username: null, prepare: cancelSignIn },
  { name: 'signed-out', path: '/console/signed-out', username: null },
  { name: 'error-without-a-session', path: '/console/nothing', username: null },
  { name: 'error', path: '/console/nothing', username: 'operator' },
  { name: 'error-of-a-role', path: '/console/clients/~new', username: 'support' },
  { name: 'user-for-support', path: `/console/users/${userId}`, username: 'support', prepare: openAll },
]

/**
 * The views of all pages.
 *
 * @throws Error if a page has no view
 */
export function viewsOf(pages: readonly Pick<ConsolePage, 'method' | 'path'>[], data: LongData): View[] {
  const paths = pages.filter(({ method }) => method === 'GET').map(({ path }) => path)
  const missing = paths.filter((path) => VIEWS[path] === undefined)
  if (missing.length > 0)
    throw new Error(`scripts/screenshots/console_views.ts has no view of ${missing.join(', ')}`)
  const views = paths.flatMap((path) => Object.entries(VIEWS[path]?.(data) ?? {}))
  return [
    ...views.map(([name, view]): View => {
      const { path, ...rest } = typeof view === 'string' ? { path: view } : view
      return { name, path: `/console${path}`, username: 'operator', ...rest }
    }),
    ...otherViews(data),
  ]
}

/** Opens every description, and the fields of each confirmation. */
async function openAll(page: BrowserPage): Promise<void> {
  await page.evaluate(`for (const details of document.querySelectorAll('details')) details.open = true`)
}

async function refuseClient(page: BrowserPage): Promise<void> {
  await page.getByLabel('Client id', { exact: true }).fill('no good')
  await page.getByRole('button', { name: 'Create client', exact: true }).click()
  await page.getByRole('alert').first().waitFor()
}

async function createClient(page: BrowserPage): Promise<void> {
  await page.getByLabel('Client id', { exact: true }).fill(`created-${Date.now()}`)
  await page.getByRole('button', { name: 'Create client', exact: true }).click()
  await page.locator('#secret').waitFor()
}

async function cancelSignIn(page: BrowserPage): Promise<void> {
  await page.getByRole('button', { name: 'Cancel', exact: true }).click()
  await page.getByText('The sign-in was cancelled.').waitFor()
}
