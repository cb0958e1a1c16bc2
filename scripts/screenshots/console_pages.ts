import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import type { Page } from '../../src/console/page.ts'

/** Reads PAGES of the console. Node runs no JSX, so esbuild makes a module of it in the directory. */
export async function readConsolePages(directory: string): Promise<readonly Page[]> {
  const outfile = join(directory, 'pages.mjs')
  await build({
    entryPoints: ['src/console/pages.ts'],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'error',
  })
  const { PAGES } = await import(pathToFileURL(outfile).href)
  return PAGES
}
