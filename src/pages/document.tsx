import type { Child, PropsWithChildren } from 'hono/jsx'
import type { AssetPaths } from './assets.ts'
import { Brand } from './brand.tsx'

/** The language and the brand of a document. */
export interface DocumentLooks {
  /** BCP 47. */
  language: string
  direction: 'ltr' | 'rtl'
  /** The name after the title. */
  name: string
  /** The URL of the icon; null for the icon of Sallyport. */
  icon: string | null
  /** The path of a stylesheet that changes colors; null without one. */
  stylesheet: string | null
}

const OWN_LOOKS: DocumentLooks = {
  language: 'en',
  direction: 'ltr',
  name: 'Sallyport',
  icon: null,
  stylesheet: null,
}

interface DocumentProps {
  title: string
  assets: AssetPaths
  /** The file name of the script of the page; absent for a page without a script. */
  script?: string | undefined
  /** Further elements of the head. */
  head?: Child
  /** The looks of Sallyport in English by default. */
  looks?: DocumentLooks
}

/** A whole HTML document. */
export function Document({
  title,
  assets,
  script,
  head = null,
  looks = OWN_LOOKS,
  children,
}: PropsWithChildren<DocumentProps>) {
  return (
    <html lang={looks.language} dir={looks.direction}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title>{`${title} · ${looks.name}`}</title>
        {looks.icon === null ? (
          <link rel="icon" href={assets.icon} type="image/svg+xml" />
        ) : (
          <link rel="icon" href={looks.icon} />
        )}
        <link rel="stylesheet" href={assets.stylesheet} />
        {looks.stylesheet === null ? null : <link rel="stylesheet" href={looks.stylesheet} />}
        {head}
        {script === undefined ? null : <script defer src={assets.scripts.get(script)} />}
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
