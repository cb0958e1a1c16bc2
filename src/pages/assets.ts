import { type Context, Hono } from 'hono'
import { base64url } from 'jose'
import { sha256 } from '../lib/bytes.ts'
import { ICON_FILE } from './brand.tsx'
import baseStyle from './style.css'

const YEAR_SECONDS = 31_536_000
const HASH_CHARACTERS = 12

/** The paths of the files to which a document links. Each path contains a hash of the file. */
export interface AssetPaths {
  stylesheet: string
  icon: string
}

/** The stylesheet and the icon of an app. Caches can keep them for a year, because a changed file gets another address. */
export class Assets {
  readonly #basePath: string
  readonly #files
  #paths: Promise<AssetPaths> | null = null

  /** @param ownStyle The CSS rules of the app. They follow the rules that all pages share. */
  constructor(basePath: string, ownStyle: string) {
    this.#basePath = basePath
    this.#files = {
      stylesheet: { name: 'style.css', type: 'text/css; charset=UTF-8', text: baseStyle + ownStyle },
      icon: { name: 'icon.svg', type: 'image/svg+xml', text: ICON_FILE },
    }
  }

  paths(): Promise<AssetPaths> {
    this.#paths ??= this.#hash()
    return this.#paths
  }

  routes(): Hono {
    const app = new Hono()
    for (const { name, type, text } of Object.values(this.#files)) {
      app.get(`/${name}`, (c) => serve(c, text, type))
    }
    return app
  }

  async #hash(): Promise<AssetPaths> {
    const { stylesheet, icon } = this.#files
    const pathOf = async ({ name, text }: { name: string; text: string }) => {
      const hash = base64url.encode(await sha256(text)).slice(0, HASH_CHARACTERS)
      return `${this.#basePath}/${name}?v=${hash}`
    }
    return { stylesheet: await pathOf(stylesheet), icon: await pathOf(icon) }
  }
}

function serve(c: Context, text: string, type: string): Response {
  return c.body(text, 200, {
    'Content-Type': type,
    'Cache-Control': `public, max-age=${YEAR_SECONDS}, immutable`,
  })
}
