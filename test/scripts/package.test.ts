import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'

const run = promisify(execFile)

const USE = `
  import { createVerifier, TokenError } from 'sallyport/verify'
  import { requireToken } from 'sallyport/verify/hono'
  import { createTestIssuer } from 'sallyport/verify/testing'
  const issuer = await createTestIssuer()
  const audience = 'https://shop.test/api'
  const verifier = createVerifier({ issuer: issuer.url, audience, fetch: issuer.fetch })
  const { subject } = await verifier.verify(await issuer.mint({ audience, subject: 'user:1' }))
  const refusal = await verifier.verify('garbage').catch((error) => error)
  console.log(JSON.stringify([subject, refusal instanceof TokenError, refusal.code, typeof requireToken(verifier)]))
`

describe('the package', () => {
  beforeAll(() => run('npm', ['run', 'build']))

  it('works in Node as it is built, by the names of its exports', async () => {
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', USE])
    expect(JSON.parse(stdout)).toEqual(['user:1', true, 'invalid_token', 'function'])
  })

  it('has a client of one file, under 3 kB gzipped', () => {
    const client = readFileSync('dist/client/index.js')
    expect(client.toString()).not.toMatch(/\b(?:import|require)\s*\(|\bfrom\s*['"]/)
    expect(gzipSync(client).length).toBeLessThan(3000)
  })

  it('holds the verifier and the client with their types, and nothing of the server', async () => {
    const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'])
    const [{ files }] = Object.values(JSON.parse(stdout)) as [{ files: { path: string }[] }]
    const paths = files.map((file) => file.path)
    expect(paths).toContain('dist/verify/index.js')
    expect(paths).toContain('dist/verify/index.d.ts')
    expect(paths).toContain('dist/client/index.js')
    expect(paths).toContain('dist/client/index.d.ts')
    expect(paths.filter((path) => !/^dist\/(?:verify|client)\//.test(path)).sort()).toEqual([
      'LICENSE',
      'README.md',
      'package.json',
    ])
  })
})
