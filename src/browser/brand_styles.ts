import { Hono } from 'hono'
import type { ApiConfig, Config } from '../config/config.ts'
import { type AssetFile, serveFile, versionedPath } from '../pages/assets.ts'

/**
 * The stylesheets with the colors of each API. A page cannot contain them, because its policy forbids inline styles. Caches can
 * keep them for a year, because changed colors get another URL.
 */
export class BrandStyles {
  readonly #folder: string
  readonly #files: ReadonlyMap<string, AssetFile>

  /** @param folder The path of the files. */
  constructor(folder: string, { apis }: Pick<Config, 'apis'>) {
    this.#folder = folder
    this.#files = new Map([...apis.values()].flatMap((api) => styleOf(api)))
  }

  /** The path of the stylesheet of an API; null if the API has no own colors. */
  async findPath(api: string): Promise<string | null> {
    const file = this.#files.get(api)
    return file === undefined ? null : versionedPath(this.#folder, file)
  }

  routes(): Hono {
    const app = new Hono()
    for (const file of this.#files.values()) app.get(`/${file.name}`, (c) => serveFile(c, file))
    return app
  }
}

/** The name and the file of an API; empty without colors. */
function styleOf({ name, branding }: ApiConfig): [string, AssetFile][] {
  const { light = null, dark = null } = branding?.colors ?? {}
  const rules = [
    ...(light === null ? [] : [`--accent-light:${light}`]),
    ...(dark === null ? [] : [`--accent-dark:${dark}`]),
  ]
  if (rules.length === 0) return []
  return [
    [name, { name: `brand-${name}.css`, type: 'text/css; charset=UTF-8', text: `:root{${rules.join(';')}}` }],
  ]
}
