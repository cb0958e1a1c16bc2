import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import type { Bundle } from '../scripts/worker_bundle.ts'

/** The total size of the modules, as wrangler computes it. */
export function measureBundle({ modules }: Bundle): { kib: number; gzippedKib: number } {
  const bytes = Buffer.concat(modules.map(({ path }) => readFileSync(path)))
  return { kib: bytes.length / 1024, gzippedKib: gzipSync(bytes).length / 1024 }
}
