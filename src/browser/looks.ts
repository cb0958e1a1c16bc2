import type { Context } from 'hono'
import type { Branding } from '../config/branding_schema.ts'
import type { ApiConfig } from '../config/config.ts'
import { chooseLanguage, type Language } from '../lib/language.ts'
import type { DocumentLooks } from '../pages/document.tsx'
import type { Texts } from '../pages/languages/en.ts'
import { TEXTS } from '../pages/languages/texts.ts'
import type { BrowserServices } from './browser_services.ts'

declare module 'hono' {
  interface ContextVariableMap {
    /** The API of the request, known as soon as its client is found. */
    api?: ApiConfig
  }
}

/** The language and the brand of a page. */
export interface Looks extends DocumentLooks {
  language: Language
  texts: Texts
  /** Null if the API has no branding, or if the request does not name a client. */
  branding: Branding | null
}

/** The looks of a page: those of the API, in the language of the client or of the browser. */
export async function looksOf(c: Context, { brandStyles }: BrowserServices): Promise<Looks> {
  // If a request is refused before its parameters are read, only its URL has the languages.
  const inAddress = c.req.query('ui_locales') ?? c.req.query('user_locale')
  const requested = c.get('uiLocales') ?? inAddress?.split(' ') ?? []
  const language = chooseLanguage(requested, c.req.header('Accept-Language'))
  const api = c.get('api')
  const branding = api?.branding ?? null
  return {
    language,
    direction: TEXTS[language].direction,
    texts: TEXTS[language],
    branding,
    name: branding?.name ?? 'Sallyport',
    icon: branding?.logo ?? null,
    stylesheet: api === undefined ? null : await brandStyles.findPath(api.name),
  }
}
