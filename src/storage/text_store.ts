import type { Language } from '../lib/language.ts'
import { describeError, log } from '../lib/log.ts'
import { parseJson } from '../lib/parse_json.ts'
import { unpackTexts } from '../lib/text_table.ts'
import type { AssetStore } from './asset_store.ts'

/** Texts, and their language. */
export interface FoundTexts<T> {
  language: Language
  texts: T
}

/** The tables of texts that have a file for each language. */
export type TextFolder = 'pages' | 'mails'

/** The name of the file with the texts of a language. */
export function textFile(folder: TextFolder, language: Language): string {
  return `texts/${folder}/${language}.json`
}

/**
 * A table of texts in each language. The code of the Worker has the English table. An isolate reads the table of another language from
 * its file at the first use, and keeps it.
 */
export class TextStore<T extends object> {
  readonly #assets: Pick<AssetStore, 'read'>
  readonly #folder: TextFolder
  readonly #english: T
  readonly #tables: Map<Language, T>

  constructor(assets: Pick<AssetStore, 'read'>, folder: TextFolder, english: T) {
    this.#assets = assets
    this.#folder = folder
    this.#english = english
    this.#tables = new Map([['en', english]])
  }

  /** The texts of a language; the English texts if the file cannot be read. Never throws. */
  async find(language: Language): Promise<FoundTexts<T>> {
    const known = this.#tables.get(language)
    if (known !== undefined) return { language, texts: known }
    try {
      const texts = await this.#read(language)
      this.#tables.set(language, texts)
      return { language, texts }
    } catch (error) {
      log('error', 'texts_unavailable', { folder: this.#folder, language, cause: describeError(error) })
      return { language: 'en', texts: this.#english }
    }
  }

  async #read(language: Language): Promise<T> {
    const file = await this.#assets.read(textFile(this.#folder, language))
    return unpackTexts(this.#english, parseJson(new TextDecoder().decode(file)))
  }
}
