import type { PropsWithChildren } from 'hono/jsx'
import type { AssetPaths } from './assets.ts'
import { Brand } from './brand.tsx'

interface DocumentProps {
  title: string
  assets: AssetPaths
  /** Whether the page loads the script of the app. */
  hasScript?: boolean
}

/** A whole HTML document. */
export function Document({ title, assets, hasScript = false, children }: PropsWithChildren<DocumentProps>) {
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
        {hasScript && assets.script !== null ? <script defer src={assets.script} /> : null}
      </head>
      <body>{children}</body>
    </html>
  )
}

/** A document with one card in the middle, such as a sign-in form or an error. */
export function CardDocument({ children, ...document }: PropsWithChildren<DocumentProps>) {
  return (
    <Document {...document}>
      <main id="main" class="single">
        <Brand />
        {children}
      </main>
    </Document>
  )
}
