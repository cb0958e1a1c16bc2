import type { Child, PropsWithChildren } from 'hono/jsx'
import { PostForm } from './fields.tsx'
import { CONSOLE_PATH, type ConsoleOperator } from './page.ts'

/** Where the files are that pages link to; the stylesheet by what is in it. */
export interface Assets {
  stylesheet: string
  icon: string
}

const SECTIONS = [
  ['', 'Dashboard'],
  ['/clients', 'Clients'],
  ['/users', 'Users'],
  ['/sessions', 'Sessions'],
  ['/keys', 'Keys'],
  ['/audit', 'Audit'],
] as const

function Document({ title, assets, children }: PropsWithChildren<{ title: string; assets: Assets }>) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title>{`${title} · Sallyport`}</title>
        <link rel="icon" href={assets.icon} type="image/svg+xml" />
        <link rel="stylesheet" href={assets.stylesheet} />
      </head>
      <body>{children}</body>
    </html>
  )
}

function Brand() {
  return (
    <span class="brand">
      <svg aria-hidden="true" viewBox="0 0 24 24">
        <path d="M4 21V10a8 8 0 0 1 16 0v11h-5v-9a3 3 0 0 0-6 0v9z" fill="currentColor" />
      </svg>
      Sallyport
    </span>
  )
}

interface PageProps {
  title: string
  assets: Assets
  operator: ConsoleOperator
  csrfToken: string
  /** Below /console. */
  path: string
  notice: string | null
}

/** A page for somebody who is signed in. */
export function ConsolePage({ children, ...page }: PropsWithChildren<PageProps>) {
  return (
    <Document title={page.title} assets={page.assets}>
      <a class="skip" href="#main">
        To the content
      </a>
      <div class="frame">
        <header class="side">
          <a href={CONSOLE_PATH} class="home" aria-label="Sallyport, to the dashboard">
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
          <Account operator={page.operator} csrf={page.csrfToken} />
        </header>
        <main id="main" tabindex={-1}>
          {page.notice === null ? null : (
            <p class="note good" role="status">
              {page.notice}
            </p>
          )}
          {children}
        </main>
      </div>
    </Document>
  )
}

function Account({ operator, csrf }: { operator: ConsoleOperator; csrf: string }) {
  return (
    <div class="account">
      <p>
        <span class="who">{operator.username}</span>
        <span class="soft">{operator.isAdmin ? 'admin' : 'support'}</span>
      </p>
      <a href={`${CONSOLE_PATH}/password`}>Password</a>
      <PostForm csrf={csrf} action="/sign-out" kind="inline">
        <button type="submit" class="link">
          Sign out
        </button>
      </PostForm>
    </div>
  )
}

function isWithin(path: string, section: string): boolean {
  return path === section || (section !== '' && path.startsWith(`${section}/`))
}

/** A page of one thing, for whoever is not signed in. */
export function PlainPage({
  title,
  assets,
  children,
}: PropsWithChildren<{ title: string; assets: Assets }>): Child {
  return (
    <Document title={title} assets={assets}>
      <main id="main" class="single">
        <Brand />
        {children}
      </main>
    </Document>
  )
}
