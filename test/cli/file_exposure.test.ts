import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findExposures } from '../../packages/cli/src/api/file_exposure.ts'
import { makeTemporaryDirectory } from '../../scripts/worker_server.ts'
import { Cli } from '../support/cli.ts'

const parent = makeTemporaryDirectory()

/** Creates a credentials file with the mode, in a new directory with the other mode. */
function makeFile({ mode = 0o600, directoryMode = 0o700 }) {
  const directory = mkdtempSync(join(parent, 'modes-'))
  const path = join(directory, 'credentials.json')
  writeFileSync(path, JSON.stringify({ current: null, servers: {} }))
  chmodSync(path, mode)
  chmodSync(directory, directoryMode)
  return { directory, path }
}

describe('a credentials file', () => {
  it.each([0o600, 0o400, 0o700])('the mode %o does not expose a credentials file', (mode) => {
    expect(findExposures(makeFile({ mode }).path)).toEqual([])
  })

  it.each([
    [0o644, '644'],
    [0o640, '640'],
    [0o604, '604'],
    [0o660, '660'],
    [0o610, '610'],
  ])('the mode %o exposes a credentials file to other users', (mode, written) => {
    const { path } = makeFile({ mode })
    expect(findExposures(path)).toEqual([
      `other users can read ${path} (mode ${written}): chmod 600 it, sign out and sign in again`,
    ])
  })

  it.each([0o755, 0o711])(
    'a directory of mode %o does not expose a credentials file, because other users cannot change it',
    (mode) => {
      expect(findExposures(makeFile({ directoryMode: mode }).path)).toEqual([])
    },
  )

  it.each([
    [0o777, '777'],
    [0o770, '770'],
    [0o702, '702'],
  ])(
    'a directory of mode %o exposes a credentials file, because other users can change it',
    (mode, written) => {
      const { directory, path } = makeFile({ directoryMode: mode })
      expect(findExposures(path)).toEqual([
        `other users can replace files in ${directory} (mode ${written}): chmod 700 it`,
      ])
    },
  )

  it('a missing credentials file is not exposed', () => {
    const { directory } = makeFile({ directoryMode: 0o777 })
    expect(findExposures(join(directory, 'another.json'))).toEqual([])
  })
})

describe('the command line', () => {
  it('each command prints a warning and continues while the credentials file is exposed', async () => {
    const cli = await Cli.build()
    const [warned, silent] = [makeFile({ mode: 0o644, directoryMode: 0o777 }), makeFile({})]
    const run = (directory: string) => cli.run(['whoami'], { env: { SALLYPORT_CONFIG_DIR: directory } })
    const notSignedIn =
      'sallyport: No operator is signed in at http://127.0.0.1:9: run "sallyport login --server http://127.0.0.1:9".\n'
    expect(await run(warned.directory)).toEqual({
      code: 3,
      stdout: '',
      stderr:
        `Warning: other users can read ${warned.path} (mode 644): chmod 600 it, sign out and sign in again.\n` +
        `Warning: other users can replace files in ${warned.directory} (mode 777): chmod 700 it.\n${notSignedIn}`,
    })
    expect(await run(silent.directory)).toEqual({ code: 3, stdout: '', stderr: notSignedIn })
  })
})
