import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { OPENAPI_FILE } from '../src/admin/openapi_file.ts'
import { LANGUAGES } from '../src/lib/language.ts'
import { packTexts } from '../src/lib/text_table.ts'
import { MAIL_TEXTS } from '../src/mail/languages/mail_texts.ts'
import { TEXTS } from '../src/pages/languages/texts.ts'
import { textFile } from '../src/storage/text_store.ts'

/** The OpenAPI document that the CLI bundles. `npm run openapi` writes it. */
export const CLI_OPENAPI_FILE = 'packages/cli/src/api/openapi.json'

/** The folder of the static files (`[assets]` in wrangler.toml). */
export const STATIC_FOLDER = 'assets'

/** Reads a static file, as the Worker does. */
export async function readStaticFile(name: string): Promise<ArrayBuffer> {
  return new Uint8Array(await readFile(join(STATIC_FOLDER, name))).buffer
}

/** Writes the static files that the build makes: the OpenAPI document, and the texts of each language except English. */
export function writeStaticFiles(): void {
  write(OPENAPI_FILE, JSON.parse(readFileSync(CLI_OPENAPI_FILE, 'utf8')))
  for (const language of LANGUAGES.filter((each) => each !== 'en')) {
    write(textFile('pages', language), packTexts(TEXTS[language]))
    write(textFile('mails', language), packTexts(MAIL_TEXTS[language]))
  }
}

/** Writes a changed file. The rename is atomic: another wrangler can read the file at the same time. */
function write(name: string, content: object): void {
  const path = join(STATIC_FOLDER, name)
  const text = JSON.stringify(content)
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return
  mkdirSync(dirname(path), { recursive: true })
  const temporary = `${path}.${process.pid}.tmp`
  writeFileSync(temporary, text)
  renameSync(temporary, path)
}
