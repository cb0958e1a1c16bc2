import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser } from 'playwright-core'

/** The size of a sheet in pixels. */
const SHEET = { width: 1600, height: 1600 }

/** How many pictures a sheet has, in columns and rows. */
interface Grid {
  columns: number
  rows: number
}

/** Puts several pictures on each sheet. Each picture is cut at the end of its cell. */
export async function makeContactSheets(
  browser: Browser,
  pictures: readonly string[],
  { name, grid, directory }: { name: string; grid: Grid; directory: string },
): Promise<void> {
  const folder = join(directory, 'sheets')
  mkdirSync(folder, { recursive: true })
  const page = await browser.newPage({ viewport: SHEET })
  const size = grid.columns * grid.rows
  for (let i = 0; i < pictures.length; i += size) {
    const file = resolve(folder, `${name}-${i / size + 1}`)
    writeFileSync(`${file}.html`, sheetOf(pictures.slice(i, i + size), grid))
    await page.goto(pathToFileURL(`${file}.html`).href)
    await page.screenshot({ path: `${file}.png` })
  }
  await page.close()
}

function sheetOf(pictures: readonly string[], { columns, rows }: Grid): string {
  const cells = pictures.map(
    (name) => `<figure><img src="../${name}.png"><figcaption>${name}</figcaption></figure>`,
  )
  return `<!doctype html><style>
body { margin: 0; height: 100vh; display: grid; gap: 8px; background: #888; font: 12px sans-serif;
  grid-template: repeat(${rows}, minmax(0, 1fr)) / repeat(${columns}, minmax(0, 1fr)) }
figure { margin: 0; overflow: hidden; display: flex; flex-direction: column-reverse; justify-content: flex-end }
img { width: 100% }
</style>${cells.join('')}`
}
