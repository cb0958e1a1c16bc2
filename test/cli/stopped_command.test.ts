import type { ChildProcess } from 'node:child_process'
import { readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { decodeJwt } from 'jose'
import { describe, expect, it, onTestFinished } from 'vitest'
import { REQUEST_LIMIT_MS } from '../../packages/client/src/token_endpoint.ts'
import { type Cli, LossyProxy, startCli } from '../support/cli.ts'

const { cli, issuer } = await startCli({ operator: null })

const OTHER_LOCK_AGE_SECONDS = 21

/** An operator whose access token has expired, behind a proxy. */
async function operatorWithExpiredToken(): Promise<{ user: Cli; proxy: LossyProxy }> {
  const proxy = await LossyProxy.start(issuer)
  onTestFinished(() => proxy.close())
  const user = cli.another(proxy.origin)
  await user.signIn()
  user.expireAccessToken()
  return { user, proxy }
}

/** Counts the refreshes of the session of the stored tokens. */
function seqOf(user: Cli): unknown {
  const file = JSON.parse(readFileSync(user.credentialsPath, 'utf8'))
  const [stored] = Object.values<{ refreshToken: string }>(file.servers)
  return decodeJwt(stored?.refreshToken ?? '').seq
}

/** Changes the time of the last change of the lock, as if it were so old. */
function ageLock(user: Cli, seconds: number): void {
  const time = Date.now() / 1000 - seconds
  utimesSync(`${user.credentialsPath}.lock`, time, time)
}

/** Starts `whoami`, and stops its process as soon as the condition holds. */
async function stopWhen(user: Cli, isDue: (stderr: string) => boolean) {
  const started = Promise.withResolvers<ChildProcess>()
  const ended = user.run(['whoami'], { onStart: started.resolve })
  const child = await started.promise
  let stderr = ''
  child.stderr?.on('data', (text) => {
    stderr += text
  })
  while (!isDue(stderr)) await wait(1)
  child.kill('SIGSTOP')
  return { ended, resume: () => child.kill('SIGCONT') }
}

const isRetrying = (stderr: string) => stderr.includes('Retrying')

describe('a command that was stopped between two tries of a refresh', () => {
  it('the command uses the tokens of a later command, and sends the old token no more', async () => {
    const { user, proxy } = await operatorWithExpiredToken()
    proxy.loseAnswerTo('POST /oauth2-token')
    const stopped = await stopWhen(user, isRetrying)
    ageLock(user, OTHER_LOCK_AGE_SECONDS)
    expect((await user.run(['whoami'])).code).toBe(0)
    user.expireAccessToken()
    expect((await user.run(['whoami'])).code).toBe(0)
    const sent = proxy.requests.length
    stopped.resume()
    expect((await stopped.ended).code).toBe(0)
    expect(proxy.requests.slice(sent)).not.toContain('POST /oauth2-token')
    user.expireAccessToken()
    expect((await user.run(['whoami'])).code).toBe(0)
    expect(seqOf(user)).toBe(3)
  })

  it('the command stores no tokens after a logout', async () => {
    const { user, proxy } = await operatorWithExpiredToken()
    proxy.loseAnswerTo('POST /oauth2-token')
    const stopped = await stopWhen(user, isRetrying)
    ageLock(user, OTHER_LOCK_AGE_SECONDS)
    expect((await user.run(['logout'])).code).toBe(0)
    stopped.resume()
    expect(await stopped.ended).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('No operator is signed in'),
    })
    expect(JSON.parse(readFileSync(user.credentialsPath, 'utf8')).servers).toEqual({})
  })
})

describe('a command that was stopped before it read the response', () => {
  it('the command keeps the newer tokens of another command', async () => {
    const { user, proxy } = await operatorWithExpiredToken()
    const sent = proxy.requests.length
    proxy.delayMs = 300
    const stopped = await stopWhen(user, () => proxy.requests.length > sent)
    ageLock(user, OTHER_LOCK_AGE_SECONDS)
    expect((await user.run(['whoami'])).code).toBe(0)
    user.expireAccessToken()
    expect((await user.run(['whoami'])).code).toBe(0)
    stopped.resume()
    expect((await stopped.ended).code).toBe(0)
    expect(seqOf(user)).toBe(2)
  })

  it('the command reads a response that arrived while it was stopped for longer than the time limit', async () => {
    const { user, proxy } = await operatorWithExpiredToken()
    const sent = proxy.requests.length
    proxy.delayMs = 300
    const stopped = await stopWhen(user, () => proxy.requests.length > sent)
    await wait(REQUEST_LIMIT_MS + 500)
    stopped.resume()
    expect(await stopped.ended).toMatchObject({ code: 0, stderr: expect.not.stringContaining('Retrying') })
    expect(proxy.requests.slice(sent).filter((request) => request === 'POST /oauth2-token')).toHaveLength(1)
  })
})

describe('the lock of a command that is still running', () => {
  it.each([
    ['is older than 20 s', OTHER_LOCK_AGE_SECONDS],
    ['is from the future, because the clock was set back', -3600],
  ])('another command takes over a lock that %s', async (_title, ageSeconds) => {
    const { user } = await operatorWithExpiredToken()
    writeFileSync(`${user.credentialsPath}.lock`, String(process.pid))
    ageLock(user, ageSeconds)
    const startedAt = Date.now()
    expect((await user.run(['whoami'])).code).toBe(0)
    expect(Date.now() - startedAt).toBeLessThan(19_000)
  })
})
