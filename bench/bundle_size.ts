import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import type { Bundle } from '../scripts/worker_bundle.ts'

/** The size of the modules together, as wrangler states it. */
export function measureBundle({ modules }: Bundle): { kib: number; gzippedKib: number } {
  const bytes = Buffer.concat(modules.map(({ path }) => readFileSync(path)))
  return { kib: bytes.length / 1024, gzippedKib: gzipSync(bytes).length / 1024 }
}
