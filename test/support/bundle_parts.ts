import { gzipSync } from 'node:zlib'
import { type BuildOptions, build } from 'esbuild'

const WORKERD = ['workerd', 'worker', 'browser']

/** The shipped parts, with the bundle options of each. */
const BUNDLES = {
  Worker: { entryPoints: ['src/worker.ts'], conditions: WORKERD },
  'Worker of management': { entryPoints: ['src/management_worker.ts'], conditions: WORKERD },
  verifier: {
    entryPoints: [
      'packages/verify/src/index.ts',
      'packages/verify/src/hono.ts',
      'packages/verify/src/testing.ts',
    ],
    splitting: true,
  },
  client: { entryPoints: ['packages/client/src/index.ts'] },
  'command line': { entryPoints: ['packages/cli/src/sallyport.ts'] },
} satisfies Record<string, BuildOptions>

export type Bundle = keyof typeof BUNDLES

/** The bundles with a table in docs/dependencies.md. Both Workers have the same packages. */
export const LISTED_BUNDLES = [
  'Worker',
  'verifier',
  'client',
  'command line',
] as const satisfies readonly Bundle[]

/** The gzipped size of a minified Worker with its text modules, in KiB. Static files do not count. */
export async function uploadKib(name: 'Worker' | 'Worker of management'): Promise<number> {
  const { outputFiles } = await bundle(name)
  return gzipSync(Buffer.concat(outputFiles.map(({ contents }) => contents))).length / 1024
}

/** The paths of the files whose code a bundle has. */
export async function filesOf(name: Bundle): Promise<string[]> {
  const { metafile } = await bundle(name)
  return Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs))
}

/** The bytes of a minified bundle by package. */
export async function packagesOf(name: Bundle): Promise<Map<string, number>> {
  const { metafile } = await bundle(name)
  const bytes = new Map<string, number>()
  for (const { inputs } of Object.values(metafile.outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const [, name] = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path) ?? []
      if (name !== undefined && bytesInOutput > 0) bytes.set(name, (bytes.get(name) ?? 0) + bytesInOutput)
    }
  }
  return bytes
}

function bundle(name: Bundle) {
  return build({
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    outdir: 'dist',
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    external: ['node:*', 'cloudflare:*', 'crypto', 'stream'],
    loader: { '.wasm': 'file', '.css': 'text', '.txt': 'text' },
    logLevel: 'error',
    ...BUNDLES[name],
  })
}
