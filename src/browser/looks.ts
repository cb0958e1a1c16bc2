import type { Context, MiddlewareHandler } from 'hono'
import type { Branding } from '../config/branding_schema.ts'
import type { ApiConfig } from '../config/config.ts'
import { chooseLanguage, DIRECTIONS, type Language } from '../lib/language.ts'
import type { DocumentLooks } from '../pages/document.tsx'
import type { Texts } from '../pages/languages/en.ts'
import type { FoundTexts } from '../storage/text_store.ts'
import type { BrowserServices } from './browser_services.ts'

declare module 'hono' {
  interface ContextVariableMap {
    /** The API of the request, known as soon as its client is found. */
    api?: ApiConfig
    /** The texts in the language that the URL and the headers name. */
    texts?: { requested: Language; found: Promise<FoundTexts<Texts>> }
  }
}

/** The language and the brand of a page. */
export interface Looks extends DocumentLooks {
  language: Language
  texts: Texts
  /** Null if the API has no branding, or if the request does not name a client. */
  branding: Branding | null
}

/** The language of a page: that of the client or of the browser. */
export function languageOf(c: Context): Language {
  // If a request is refused before its parameters are read, only its URL has the languages.
  const inAddress = c.req.query('ui_locales') ?? c.req.query('user_locale')
  const requested = c.get('uiLocales') ?? inAddress?.split(' ') ?? []
  return chooseLanguage(requested, c.req.header('Accept-Language'))
}

/** Begins to read the texts of a page, so that the request waits for them in parallel with its other reads. */
export function withTexts({ pageTexts }: Pick<BrowserServices, 'pageTexts'>): MiddlewareHandler {
  return (c, next) => {
    const requested = languageOf(c)
    c.set('texts', { requested, found: pageTexts.find(requested) })
    return next()
  }
}

/** The looks of a page: those of the API, in the language of the page. If its texts cannot be read, the page is in English. */
export async function looksOf(c: Context, { brandStyles, pageTexts }: BrowserServices): Promise<Looks> {
  const requested = languageOf(c)
  const begun = c.get('texts')
  const finding = begun?.requested === requested ? begun.found : pageTexts.find(requested)
  const { language, texts } = await finding
  const api = c.get('api')
  const branding = api?.branding ?? null
  return {
    language,
    direction: DIRECTIONS[language],
    texts,
    branding,
    name: branding?.name ?? 'Sallyport',
    icon: branding?.logo ?? null,
    stylesheet: api === undefined ? null : await brandStyles.findPath(api.name),
  }
}
