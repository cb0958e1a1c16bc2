import { execFileSync } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { expect, it } from 'vitest'
import { totpCodeOf, totpStepOf } from '../../src/factors/totp.ts'
import { encodeBase32 } from '../../src/lib/base32.ts'

// OATH Toolkit is an implementation of RFC 6238 of another project: Debian's oathtool.

const SAMPLES = 20

function works(): boolean {
  try {
    execFileSync('oathtool', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

// CI must have the program (.ci/run installs it).
const isSkipped = !process.env.CI && !works()
if (isSkipped)
  process.stdout.write(
    '\noathtool is not here, so its test is skipped. On Debian: apt-get install oathtool\n',
  )

it.skipIf(isSkipped)('oathtool computes the same codes for random secrets and times (RFC 6238)', async () => {
  for (let i = 0; i < SAMPLES; i++) {
    const secret = randomBytes(20)
    const time = randomInt(0, 2 ** 33)
    const parameters = ['--totp=sha1', '--base32', `--now=@${time}`, encodeBase32(secret)]
    const code = execFileSync('oathtool', parameters, { encoding: 'utf8', env: { TZ: 'UTC' } }).trim()
    expect([time, await totpCodeOf(secret, totpStepOf(time))]).toEqual([time, code])
  }
})
