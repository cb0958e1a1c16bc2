import type { Assets } from '../pages/assets.ts'
import type { Texts } from '../pages/languages/en.ts'
import type { Services } from '../services/services.ts'
import type { TextStore } from '../storage/text_store.ts'
import type { BrandStyles } from './brand_styles.ts'
import type { BrowserCookies } from './browser_cookies.ts'

/** The services of the pages. */
export interface BrowserServices extends Services {
  cookies: BrowserCookies
  assets: Assets
  brandStyles: BrandStyles
  pageTexts: TextStore<Texts>
}
