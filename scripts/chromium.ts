import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** The path of Chromium: CHROMIUM_PATH, else Debian's. Null if it is not installed. */
export function findChromium(): string | null {
  return [process.env.CHROMIUM_PATH ?? '', ...PATHS].find((path) => existsSync(path)) ?? null
}

/** Starts Chromium without background network traffic. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: findChromium() ?? 'chromium',
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
    ],
  })
}
