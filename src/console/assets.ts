import { type Context, Hono } from 'hono'
import { base64url } from 'jose'
import { sha256 } from '../lib/bytes.ts'
import type { Assets } from './layout.tsx'
import { CONSOLE_PATH } from './page.ts'
import style from './style.css'

const YEAR_SECONDS = 31_536_000
const HASH_CHARACTERS = 12

const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path d="M4 21V10a8 8 0 0 1 16 0v11h-5v-9a3 3 0 0 0-6 0v9z" fill="#3b6ea8"/></svg>`

/** The files of the console. Each may be kept for ever: another text has another address. */
export class AssetFiles {
  readonly #files = {
    stylesheet: { name: 'style.css', type: 'text/css; charset=UTF-8', text: style },
    icon: { name: 'icon.svg', type: 'image/svg+xml', text: ICON },
  }
  #addresses: Promise<Assets> | null = null

  addresses(): Promise<Assets> {
    this.#addresses ??= this.#hash()
    return this.#addresses
  }

  routes(): Hono {
    const app = new Hono()
    for (const { name, type, text } of Object.values(this.#files)) {
      app.get(`/${name}`, (c) => serve(c, text, type))
    }
    return app
  }

  async #hash(): Promise<Assets> {
    const { stylesheet, icon } = this.#files
    const addressOf = async ({ name, text }: { name: string; text: string }) => {
      const hash = base64url.encode(await sha256(text)).slice(0, HASH_CHARACTERS)
      return `${CONSOLE_PATH}/${name}?v=${hash}`
    }
    return { stylesheet: await addressOf(stylesheet), icon: await addressOf(icon) }
  }
}

function serve(c: Context, text: string, type: string): Response {
  return c.body(text, 200, {
    'Content-Type': type,
    'Cache-Control': `public, max-age=${YEAR_SECONDS}, immutable`,
  })
}
