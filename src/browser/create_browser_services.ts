import { Assets } from '../pages/assets.ts'
import { en } from '../pages/languages/en.ts'
import type { Services } from '../services/services.ts'
import { TextStore } from '../storage/text_store.ts'
import { BrandStyles } from './brand_styles.ts'
import { BrowserCookies } from './browser_cookies.ts'
import { BROWSER_PATH, FILES_PATH, FORM_POST_SCRIPT, PASSKEY_SCRIPT } from './browser_path.ts'
import type { PageServices } from './browser_services.ts'
import formPost from './form_post.js.txt'
import passkey from './passkey.js.txt'
import style from './style.css'

const SCRIPTS = [
  { name: FORM_POST_SCRIPT, text: formPost },
  { name: PASSKEY_SCRIPT, text: passkey },
]

/** Creates the services of the pages of users. The browser flows and the account pages share cookies, stylesheets and icon. */
export function createBrowserServices<T extends Services>(shared: T): T & PageServices {
  const { browserSealer, config } = shared
  const folder = BROWSER_PATH + FILES_PATH
  const assets = new Assets(folder, style, SCRIPTS)
  const brandStyles = new BrandStyles(folder, config)
  const cookies = new BrowserCookies(browserSealer, config.issuer)
  const pageTexts = new TextStore(shared.staticFiles, 'pages', en)
  return { ...shared, cookies, assets, brandStyles, pageTexts }
}
