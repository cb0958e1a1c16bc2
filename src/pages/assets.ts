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
  /** By the file name of the script. */
  scripts: ReadonlyMap<string, string>
}

export interface AssetFile {
  name: string
  type: string
  text: string
}

/** The files of an app: its stylesheet, its icon and its scripts. Caches can keep them for a year, because a changed file gets another URL. */
export class Assets {
  readonly #basePath: string
  readonly #files: { stylesheet: AssetFile; icon: AssetFile; scripts: AssetFile[] }
  #paths: Promise<AssetPaths> | null = null

  /**
   * @param ownStyle The CSS rules of the app. They follow the rules that all pages share.
   * @param scripts The file names and texts of the scripts of the app.
   */
  constructor(basePath: string, ownStyle: string, scripts: readonly Pick<AssetFile, 'name' | 'text'>[] = []) {
    this.#basePath = basePath
    this.#files = {
      stylesheet: { name: 'style.css', type: 'text/css; charset=UTF-8', text: baseStyle + ownStyle },
      icon: { name: 'icon.svg', type: 'image/svg+xml', text: ICON_FILE },
      scripts: scripts.map((script) => ({ ...script, type: 'text/javascript; charset=UTF-8' })),
    }
  }

  paths(): Promise<AssetPaths> {
    this.#paths ??= this.#hash()
    return this.#paths
  }

  routes(): Hono {
    const app = new Hono()
    for (const file of Object.values(this.#files).flat()) app.get(`/${file.name}`, (c) => serveFile(c, file))
    return app
  }

  async #hash(): Promise<AssetPaths> {
    const { stylesheet, icon, scripts } = this.#files
    const pathOf = (file: AssetFile) => versionedPath(this.#basePath, file)
    const named = scripts.map(async (script) => [script.name, await pathOf(script)] as const)
    return {
      stylesheet: await pathOf(stylesheet),
      icon: await pathOf(icon),
      scripts: new Map(await Promise.all(named)),
    }
  }
}

/** The path of a file below a folder, with a hash of its text. */
export async function versionedPath(
  folder: string,
  { name, text }: Pick<AssetFile, 'name' | 'text'>,
): Promise<string> {
  const hash = base64url.encode(await sha256(text)).slice(0, HASH_CHARACTERS)
  return `${folder}/${name}?v=${hash}`
}

/** Sends a file whose path has its hash. */
export function serveFile(c: Context, { text, type }: Pick<AssetFile, 'text' | 'type'>): Response {
  return c.body(text, 200, {
    'Content-Type': type,
    'Cache-Control': `public, max-age=${YEAR_SECONDS}, immutable`,
  })
}
