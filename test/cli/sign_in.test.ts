import type { ChildProcess } from 'node:child_process'
import { copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Cli, LossyProxy, OPERATORS, startCli } from '../support/cli.ts'

const { cli, issuer } = await startCli({ operator: null })

function readCredentials(user: Cli) {
  return JSON.parse(readFileSync(user.credentialsPath, 'utf8'))
}

/** Counts the refreshes of the session of the stored tokens. */
function seqOf(user: Cli): number {
  const [stored] = Object.values<{ refreshToken: string }>(readCredentials(user).servers)
  return JSON.parse(Buffer.from(stored?.refreshToken.split('.')[1] ?? '', 'base64url').toString()).seq
}

describe('signing in', () => {
  it('login stores the tokens, without the password, in a file that only their owner can read', async () => {
    const user = cli.another()
    await user.signIn()
    expect(statSync(user.credentialsPath).mode & 0o777).toBe(0o600)
    expect(statSync(user.configDirectory).mode & 0o777).toBe(0o700)
    expect(readFileSync(user.credentialsPath, 'utf8')).not.toContain(OPERATORS.operator)
    const { code, stdout, stderr } = await user.run(['whoami'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: `At ${issuer}:\n` })
    expect(stdout).toMatch(/^username +operator\nid +user:\S+\nroles +admin\n/)
  })

  it('login refuses a wrong password and stores no tokens', async () => {
    const user = cli.another()
    expect(await user.run(['login', '--username', 'operator'], { stdin: 'wrong\n' })).toEqual({
      code: 1,
      stdout: '',
      stderr: 'sallyport: Wrong username or password.\n',
    })
    expect(await user.run(['whoami'])).toEqual({
      code: 3,
      stdout: '',
      stderr: `sallyport: No operator is signed in at ${issuer}: run "sallyport login --server ${issuer}".\n`,
    })
  })

  it('login ends the previous session', async () => {
    const [user, copy] = [cli.another(), cli.another()]
    await user.signIn()
    copyFileSync(user.credentialsPath, copy.credentialsPath)
    await user.signIn()
    expect((await copy.run(['whoami'])).code).toBe(3)
    expect((await user.run(['whoami'])).code).toBe(0)
  })

  it('login shows no prompt without a terminal', async () => {
    expect((await cli.another().run(['login'])).code).toBe(2)
    expect((await cli.another().run(['login', '--username', 'operator'])).code).toBe(2)
  })

  it('login sends a password without TLS only to the local machine', async () => {
    const args = ['login', '--username', 'operator', '--server', 'http://id.example.com']
    expect(await cli.another().run(args, { stdin: 'x\n' })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('would get passwords without encryption: use https'),
    })
  })

  it('login reports that it cannot store the tokens', async () => {
    const file = join(cli.directory, 'a-file')
    writeFileSync(file, '')
    const env = { SALLYPORT_CONFIG_DIR: join(file, 'below') }
    expect(await cli.run(['whoami'], { env })).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^sallyport: ENOTDIR: .+a-file/),
    })
  })

  it('login follows no redirect', async () => {
    const { createServer } = await import('node:http')
    const server = createServer((_request, response) => response.writeHead(307, { Location: issuer }).end())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const args = ['login', '--username', 'operator', '--server', `http://127.0.0.1:${port}`]
    expect((await cli.another().run(args, { stdin: `${OPERATORS.operator}\n` })).code).toBe(6)
    server.close()
  })

  it('a sign-in is valid for one server, and the command remembers the last server', async () => {
    const user = cli.another()
    await user.signIn()
    expect(await user.run(['whoami'], { env: { SALLYPORT_SERVER: '' } })).toMatchObject({ code: 0 })
    expect(await user.run(['whoami', '--server', 'http://127.0.0.1:9'])).toMatchObject({ code: 3 })
  })
})

describe('signing out', () => {
  it('logout removes the tokens and ends the session', async () => {
    const user = cli.another()
    await user.signIn()
    const copy = cli.another()
    copyFileSync(user.credentialsPath, copy.credentialsPath)
    expect(await user.run(['logout'])).toEqual({ code: 0, stdout: '', stderr: `Signed out at ${issuer}.\n` })
    expect((await user.run(['whoami'])).code).toBe(3)
    expect(await copy.run(['whoami'])).toMatchObject({
      code: 3,
      stderr: `sallyport: The session at ${issuer} has ended: run "sallyport login --server ${issuer}".\n`,
    })
  })
})

describe('an access token that has ended', () => {
  it('one of several parallel commands refreshes the token, and all stay signed in', async () => {
    const user = cli.another()
    await user.signIn()
    user.expireAccessToken()
    const ended = await Promise.all(Array.from({ length: 5 }, () => user.run(['whoami'])))
    expect(ended.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0])
    expect(seqOf(user)).toBe(1)
    user.expireAccessToken()
    expect((await user.run(['whoami'])).code).toBe(0)
    expect(seqOf(user)).toBe(2)
  })

  it('the command repeats the refresh after a lost response', async () => {
    const proxy = await LossyProxy.start(issuer)
    const user = cli.another(proxy.origin)
    await user.signIn()
    user.expireAccessToken()
    proxy.loseAnswerTo('POST /oauth2-token')
    expect(await user.run(['whoami'])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('No response. Retrying'),
    })
    expect(seqOf(user)).toBe(1)
    await proxy.close()
  })

  it('the command stores the new token before Ctrl+C ends it', async () => {
    const proxy = await LossyProxy.start(issuer)
    const user = cli.another(proxy.origin)
    await user.signIn()
    user.expireAccessToken()
    const sent = proxy.requests.length
    proxy.delayMs = 300
    const interrupt = (child: ChildProcess) => {
      const timer = setInterval(() => {
        if (proxy.requests.length === sent) return
        clearInterval(timer)
        child.kill('SIGINT')
      }, 1)
    }
    expect((await user.run(['whoami'], { onStart: interrupt })).code).toBe(null)
    expect(seqOf(user)).toBe(1)
    expect((await user.run(['whoami'])).code).toBe(0)
    await proxy.close()
  })

  it('a command does not wait for a killed command', async () => {
    const user = cli.another()
    await user.signIn()
    user.expireAccessToken()
    writeFileSync(`${user.credentialsPath}.lock`, '999999999')
    expect((await user.run(['whoami'])).code).toBe(0)
  })

  it('a change of the own password replaces the token with that of a new session', async () => {
    const [admin, user] = [cli.another(), cli.another()]
    await admin.signIn()
    await admin.run(
      [
        'users',
        'create',
        'new-admin',
        '--pool',
        'operators',
        '--roles',
        'admin',
        '--require-password-change',
      ],
      {
        stdin: `a first password\n${OPERATORS.operator}\n`,
      },
    )
    const login = await user.run(['login', '--username', 'new-admin'], { stdin: 'a first password\n' })
    expect(login.stderr).toContain('run "sallyport password"')
    expect(await user.run(['keys', 'list'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('sallyport password'),
    })
    const sid = async () => (await user.json('whoami')).sid
    const before = await sid()
    const change = await user.run(['password'], { stdin: 'a first password\na second password\n' })
    expect(change).toEqual({
      code: 0,
      stdout: '',
      stderr: 'The password is changed. All your other sessions have ended.\n',
    })
    expect((await user.run(['keys', 'list'])).code).toBe(0)
    expect(await sid()).not.toBe(before)
  })
})

describe('an unreachable server', () => {
  it('the command exits with code 6 if the server gives no response', async () => {
    const proxy = await LossyProxy.start(issuer)
    const user = cli.another(proxy.origin)
    await user.signIn()
    await proxy.close()
    expect(
      await cli.another(proxy.origin).run(['login', '--username', 'ops'], { stdin: 'a password\n' }),
    ).toEqual({
      code: 6,
      stdout: '',
      stderr: `sallyport: ${proxy.origin} gave no response. Is the server running? For another server use --server URL or set SALLYPORT_SERVER.\n`,
    })
    expect(await user.run(['keys', 'reseal'])).toEqual({
      code: 6,
      stdout: '',
      stderr: `${'No response. Retrying …\n'.repeat(3)}sallyport: ${proxy.origin} gave no response. Your change may or may not have been saved. Check before you repeat it.\n`,
    })
  })
})
