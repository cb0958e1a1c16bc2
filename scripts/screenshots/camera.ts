import { join } from 'node:path'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import { compact } from '../../src/lib/compact.ts'
import type { View } from './console_views.ts'

export const WIDTHS = [1440, 1024, 390] as const
export const SCHEMES = ['light', 'dark'] as const
const HEIGHT = 900
/** The start of the shop takes long on a busy machine. */
const TIMEOUT_MS = 120_000

type StorageState = Exclude<BrowserContextOptions['storageState'], undefined>

/** The views of one user of one server. */
export interface Subject {
  origin: string
  views: readonly Pick<View, 'name' | 'path' | 'prepare'>[]
  /** The cookies of the user; absent without a sign-in. */
  cookies?: StorageState
  /** WIDTHS by default. */
  widths?: readonly number[]
  /** Whether scripts run; true by default. */
  hasScript?: boolean
}

/** The name of a file in the directory, without its ending. */
export function pictureOf(name: string, width: number, scheme: string): string {
  return `${name}-${width}-${scheme}`
}

/** Signs an operator in at the console. */
export async function signIn(
  browser: Browser,
  origin: string,
  [username, password]: readonly [username: string, password: string],
): Promise<StorageState> {
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto(`${origin}/console`)
  await page.getByLabel('Username').fill(username)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('heading', { level: 1, name: 'Dashboard' }).waitFor()
  const cookies = await context.storageState()
  await context.close()
  return cookies
}

/** Makes the screenshots of the views at each width, light and dark. */
export async function photograph(browser: Browser, subject: Subject, directory: string): Promise<void> {
  for (const colorScheme of SCHEMES) {
    await Promise.all(
      (subject.widths ?? WIDTHS).map((width) =>
        photographAt(browser, subject, { directory, colorScheme, width }),
      ),
    )
  }
}

interface Settings {
  directory: string
  colorScheme: (typeof SCHEMES)[number]
  width: number
}

async function photographAt(
  browser: Browser,
  { origin, views, cookies, hasScript = true }: Subject,
  settings: Settings,
) {
  const { directory, colorScheme, width } = settings
  const context = await browser.newContext({
    viewport: { width, height: HEIGHT },
    colorScheme,
    javaScriptEnabled: hasScript,
    ...compact({ storageState: cookies }),
  })
  context.setDefaultTimeout(TIMEOUT_MS)
  const page = await context.newPage()
  for (const { name, path, prepare } of views) {
    await page.goto(origin + path)
    await prepare?.(page)
    const file = `${pictureOf(name, width, colorScheme)}.png`
    await page.screenshot({ path: join(directory, file), fullPage: true })
  }
  await context.close()
}
