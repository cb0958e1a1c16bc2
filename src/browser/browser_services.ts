import type { Assets } from '../pages/assets.ts'
import type { Texts } from '../pages/languages/en.ts'
import type { Services } from '../services/services.ts'
import type { TextStore } from '../storage/text_store.ts'
import type { BrandStyles } from './brand_styles.ts'
import type { BrowserCookies } from './browser_cookies.ts'

/** The cookies, files and texts of the pages of users. */
export interface PageServices {
  cookies: BrowserCookies
  assets: Assets
  brandStyles: BrandStyles
  pageTexts: TextStore<Texts>
}

/** The services of the browser flows. */
export interface BrowserServices extends Services, PageServices {}
