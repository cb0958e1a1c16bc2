import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

/** Chromium without a window needs two thirds of the processor time. */
const PATHS = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome'].map(
  (name) => `/usr/bin/${name}`,
)

/** The path of Chromium: CHROMIUM_PATH, else Debian's. Null if it is not installed. */
export function findChromium(): string | null {
  return [process.env.CHROMIUM_PATH ?? '', ...PATHS].find((path) => existsSync(path)) ?? null
}

/** Starts Chromium without background network traffic. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: findChromium() ?? 'chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}
