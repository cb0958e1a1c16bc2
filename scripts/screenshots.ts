// `npm run screenshots` makes a screenshot of every page of the console, of `/`, of the sign-in by browser and of the demo shop in dist/screenshots, and
// contact sheets of them. `-- --only NAME` limits it to some views. `-- --docs` makes the two pictures of docs/images instead.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Browser } from 'playwright-core'
import { findChromium, launchChromium } from './chromium.ts'
import { startDemo } from './running_demo.ts'
import { ACCOUNT_LANGUAGE_VIEWS, ACCOUNT_VIEWS } from './screenshots/account_views.ts'
import { photograph, pictureOf, SCHEMES, signIn, WIDTHS } from './screenshots/camera.ts'
import { readConsolePages } from './screenshots/console_pages.ts'
import { type View, viewsOf } from './screenshots/console_views.ts'
import { makeContactSheets } from './screenshots/contact_sheets.ts'
import { addMails, INBOX_VIEWS } from './screenshots/inbox_views.ts'
import { LINK_VIEWS, makeLinks } from './screenshots/link_views.ts'
import { addLongRecords, addLongSessions } from './screenshots/long_data.ts'
import { RECOVERY_LANGUAGE_VIEWS, RECOVERY_VIEWS } from './screenshots/recovery_views.ts'
import { SECOND_FACTOR_LANGUAGE_VIEWS, SECOND_FACTOR_VIEWS } from './screenshots/second_factor_views.ts'
import {
  LANGUAGE_VIEWS,
  SHOPPER_VIEWS,
  SHOPPER_WIDTHS,
  SHOPPERS,
  type ShopperView,
  signInShopper,
} from './screenshots/shopper_views.ts'
import { SIGN_UP_LANGUAGE_VIEWS, SIGN_UP_VIEWS } from './screenshots/sign_up_views.ts'
import { stop } from './stop.ts'
import { bundleService } from './worker_bundle.ts'
import { makeTemporaryDirectory, startService } from './worker_server.ts'

const DIRECTORY = 'dist/screenshots'
const DOCS = 'docs/images'
const DOCS_VIEWPORT = { width: 1120, height: 700 }
/** The users and clients that are added to the demo data, and the sessions. */
const ROWS = 500
const OPERATORS = [
  ['operator', 'operator battery staple'],
  ['support', 'support battery staple'],
] as const
const SHOP: View = {
  name: 'shop',
  path: '/',
  username: null,
  prepare: (page) => page.locator('.product').first().waitFor(),
}

if (findChromium() === null) stop('Chromium is not installed. On Debian: apt-get install chromium')
const { values: options } = parseArgs({
  options: { docs: { type: 'boolean', default: false }, only: { type: 'string', default: '' } },
})
const browser = await launchChromium()
if (options.docs) await makeDocumentPictures(browser)
else await makeAll(browser, options.only)
await browser.close()

/** @param only A part of the name of each wanted view; empty for all. */
async function makeAll(browser: Browser, only: string): Promise<void> {
  mkdirSync(DIRECTORY, { recursive: true })
  const names = await photographConsole(browser, only)
  if (SHOP.name.includes(only)) {
    await withShop((origin) => photograph(browser, { origin, views: [SHOP] }, DIRECTORY))
    names.push(SHOP.name)
  }
  const shoppers = await photographShopperPages(browser, only)
  for (const width of WIDTHS) {
    const pictures = names.flatMap((name) => SCHEMES.map((scheme) => pictureOf(name, width, scheme)))
    const grid = width === 390 ? { columns: 4, rows: 1 } : { columns: 2, rows: 2 }
    await makeContactSheets(browser, pictures, { name: String(width), grid, directory: DIRECTORY })
  }
  const grid = { columns: 4, rows: 2 }
  await makeContactSheets(browser, shoppers, { name: 'shopper', grid, directory: DIRECTORY })
  const count = names.length * WIDTHS.length * SCHEMES.length + shoppers.length
  console.log(`${count} screenshots are in ${DIRECTORY}`)
}

/** @returns the names of the pictures */
async function photographShopperPages(browser: Browser, only: string): Promise<string[]> {
  const isWanted = ({ name }: ShopperView) => name.includes(only)
  const sets = [
    {
      views: [
        ...SHOPPER_VIEWS,
        ...SECOND_FACTOR_VIEWS,
        ...SIGN_UP_VIEWS,
        ...RECOVERY_VIEWS,
        ...ACCOUNT_VIEWS,
        ...LINK_VIEWS,
        ...INBOX_VIEWS,
      ].filter(isWanted),
      widths: SHOPPER_WIDTHS,
    },
    {
      views: [
        ...LANGUAGE_VIEWS,
        ...SECOND_FACTOR_LANGUAGE_VIEWS,
        ...SIGN_UP_LANGUAGE_VIEWS,
        ...RECOVERY_LANGUAGE_VIEWS,
        ...ACCOUNT_LANGUAGE_VIEWS,
      ].filter(isWanted),
      widths: [390],
    },
  ]
  if (sets.every(({ views }) => views.length === 0)) return []
  const bundle = await bundleService(join(makeTemporaryDirectory(), 'service'))
  const { origin, stores, config, close } = await startService(bundle)
  // The sixth of the records is the user who must change the password.
  await addLongRecords(stores, config, 6)
  await addLongSessions(origin, 20)
  await addMails(stores, config)
  await makeLinks(stores, config)
  for (const shopper of [null, ...SHOPPERS]) {
    const cookies = shopper === null ? {} : { cookies: await signInShopper(browser, origin, shopper) }
    for (const { views, widths } of sets) {
      const own = views.filter((view) => view.shopper === shopper)
      await photograph(browser, { origin, views: own, widths, hasScript: false, ...cookies }, DIRECTORY)
    }
  }
  await close()
  return sets.flatMap(({ views, widths }) =>
    SCHEMES.flatMap((scheme) =>
      views.flatMap(({ name }) => widths.map((width) => pictureOf(name, width, scheme))),
    ),
  )
}

/** @returns the names of the views */
async function photographConsole(browser: Browser, only: string): Promise<string[]> {
  if (only.startsWith('shopper') || only.startsWith('account')) return []
  const directory = makeTemporaryDirectory()
  const { origin, stores, config, close } = await startService(
    await bundleService(join(directory, 'service')),
  )
  const pages = await readConsolePages(directory)
  await addLongRecords(stores, config, ROWS)
  const all = viewsOf(pages, await addLongSessions(origin, ROWS))
  const views = all.filter(({ name }) => name.includes(only))
  for (const operator of OPERATORS) {
    const ofOperator = views.filter(({ username }) => username === operator[0])
    const cookies = await signIn(browser, origin, operator)
    await photograph(browser, { origin, views: ofOperator, cookies }, DIRECTORY)
  }
  const anonymous = views.filter(({ username }) => username === null)
  await photograph(browser, { origin, views: anonymous }, DIRECTORY)
  await close()
  return views.map(({ name }) => name)
}

async function withShop(work: (origin: string) => Promise<void>): Promise<void> {
  const { demo, close } = await startDemo()
  try {
    await work(demo.shop)
  } finally {
    await close()
  }
}

/** Makes the pictures of the documentation: the dashboard with a little traffic, and the demo shop. */
async function makeDocumentPictures(browser: Browser): Promise<void> {
  mkdirSync(DOCS, { recursive: true })
  const { origin, stores, config, close } = await startService(
    await bundleService(join(makeTemporaryDirectory(), 'service')),
  )
  await addLongRecords(stores, config, 1)
  await addLongSessions(origin, 40)
  const cookies = await signIn(browser, origin, OPERATORS[0])
  const context = await browser.newContext({ viewport: DOCS_VIEWPORT, storageState: cookies })
  const page = await context.newPage()
  await page.goto(`${origin}/console`)
  await page.screenshot({ path: join(DOCS, 'console-dashboard.png') })
  await close()
  await withShop(async (shop) => {
    await page.goto(shop)
    await SHOP.prepare?.(page)
    await page.screenshot({ path: join(DOCS, 'demo-shop.png') })
  })
  await context.close()
}
