import type { PropsWithChildren } from 'hono/jsx'
import type { AssetPaths } from '../pages/assets.ts'
import { Brand } from '../pages/brand.tsx'
import { Document } from '../pages/document.tsx'
import type { Looks } from './looks.ts'

interface PageFrameProps {
  title: string
  looks: Looks
  assets: AssetPaths
  /** The file name of the script of the page; absent for a page without a script. */
  script?: string | undefined
}

/** A document with the brand, one card, and the links of the brand. */
export function PageFrame({ looks, children, ...document }: PropsWithChildren<PageFrameProps>) {
  return (
    <Document looks={looks} {...document}>
      <main id="main" class="single">
        <BrandHeader looks={looks} />
        <div class="card">{children}</div>
        <BrandLinks looks={looks} />
      </main>
    </Document>
  )
}

function BrandHeader({ looks: { branding, name } }: { looks: Looks }) {
  if (branding === null) return <Brand />
  return (
    <span class="brand">
      {branding.logo === null ? null : <img src={branding.logo} alt="" />}
      {name}
    </span>
  )
}

const LINKS = ['help', 'privacy', 'terms'] as const

/** The links open in another tab, so that a form keeps its typed values. */
function BrandLinks({ looks: { branding, texts } }: { looks: Looks }) {
  const links = LINKS.flatMap((name) => {
    const href = branding?.links?.[name] ?? null
    return href === null ? [] : [{ href, label: texts.links[name] }]
  })
  if (links.length === 0) return null
  return (
    <ul class="links">
      {links.map(({ href, label }) => (
        <li>
          <OutsideLink href={href} label={label} />
        </li>
      ))}
    </ul>
  )
}

/** A link to a page of another site, in another tab. */
export function OutsideLink({ href, label }: { href: string; label: string }) {
  return (
    <a href={href} target="_blank" rel="noopener noreferrer">
      {label}
    </a>
  )
}
