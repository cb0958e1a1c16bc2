import type { PropsWithChildren } from 'hono/jsx'
import type { AssetPaths } from '../pages/assets.ts'
import { Brand } from '../pages/brand.tsx'
import { Document } from '../pages/document.tsx'
import { ActionForm } from './action_form.tsx'
import { CONSOLE_PATH, SCRIPT_NAME } from './console_path.ts'
import type { ConsoleOperator, PageContent } from './page.ts'
import { SEARCH_PATH } from './search_page.tsx'

const SECTIONS = [
  ['', 'Dashboard'],
  ['/clients', 'Clients'],
  ['/users', 'Users'],
  ['/sessions', 'Sessions'],
  ['/keys', 'Keys'],
  ['/audit', 'Audit'],
] as const

interface PageProps {
  title: string
  assets: AssetPaths
  operator: ConsoleOperator
  csrfToken: string
  /** The path of the page, below /console. */
  path: string
  notice: string | null
  /** The text of the search box. */
  searched: string
  refresh: PageContent['refresh']
}

/** The document of a page for a signed-in operator. */
export function ConsoleDocument({ children, ...page }: PropsWithChildren<PageProps>) {
  return (
    <Document
      title={page.title}
      assets={page.assets}
      script={SCRIPT_NAME}
      head={<Refresh refresh={page.refresh} />}
    >
      <a class="skip" href="#main">
        Skip to content
      </a>
      <div class="frame">
        <header class="side">
          <a href={CONSOLE_PATH} class="home" aria-label="Sallyport dashboard">
            <Brand />
          </a>
          <nav aria-label="Console">
            <ul>
              {SECTIONS.map(([path, name]) => (
                <li>
                  <a
                    class="nav-link"
                    href={CONSOLE_PATH + path}
                    {...(isWithin(page.path, path) ? { 'aria-current': 'page' } : {})}
                  >
                    {name}
                  </a>
                </li>
              ))}
            </ul>
          </nav>
          <Account operator={page.operator} csrf={page.csrfToken} path={page.path} />
        </header>
        <div class="content">
          <SearchBox searched={page.searched} />
          <main id="main" tabindex={-1}>
            {page.notice === null ? null : (
              <p class="note good" role="status">
                {page.notice}
              </p>
            )}
            {children}
            <p class="zone">Times are in UTC.</p>
          </main>
        </div>
      </div>
    </Document>
  )
}

/**
 * The next load of a page that refreshes. The script does it (local_times.js.txt), because only a script can wait while the
 * operator types in the search box. A browser without scripts reads the other element.
 */
function Refresh({ refresh }: Pick<PageProps, 'refresh'>) {
  if (refresh === undefined) return null
  const content = `${refresh.seconds}; url=${CONSOLE_PATH}${refresh.path}`
  return (
    <>
      <meta name="refresh" content={content} />
      <noscript>
        <meta http-equiv="refresh" content={content} />
      </noscript>
    </>
  )
}

/** The search for users, clients, sessions and keys. */
function SearchBox({ searched }: { searched: string }) {
  return (
    <search class="finder">
      <form method="get" action={CONSOLE_PATH + SEARCH_PATH}>
        <label>
          <span class="hidden">Find a user, client, session or key</span>
          <input
            type="search"
            name="q"
            value={searched}
            placeholder="Find a user, client, session or key"
            maxlength={255}
            autocapitalize="none"
            autocomplete="off"
            spellcheck={false}
          />
        </label>
        <button type="submit">Find</button>
      </form>
    </search>
  )
}

interface AccountProps {
  operator: ConsoleOperator
  csrf: string
  /** The path of the page, below /console. */
  path: string
}

function Account({ operator, csrf, path }: AccountProps) {
  return (
    <div class="account">
      <p>
        <span class="who">{operator.username}</span>
        <span class="soft">{operator.isAdmin ? 'admin' : 'support'}</span>
      </p>
      <a
        href={`${CONSOLE_PATH}/password`}
        {...(path === '/password' ? { 'aria-current': 'page' as const } : {})}
      >
        Password
      </a>
      <ActionForm csrf={csrf} action="/sign-out" kind="inline">
        <button type="submit" class="link">
          Sign out
        </button>
      </ActionForm>
    </div>
  )
}

function isWithin(path: string, section: string): boolean {
  return path === section || (section !== '' && path.startsWith(`${section}/`))
}
