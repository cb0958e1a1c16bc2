import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { CHANGE_LIST_SECONDS } from '../../src/storage/copy_ages.ts'
import { type Cli, type Ended, OPERATORS, startCli } from '../support/cli.ts'
import { PlainBrowser, waitForAddress } from '../support/plain_browser.ts'

const { cli, issuer } = await startCli()

/** A program for BROWSER that writes the address to a file. */
const opened = join(cli.directory, 'opened')
const BROWSER = join(cli.directory, 'browser.sh')
writeFileSync(BROWSER, `#!/bin/sh\nprintf %s "$1" > '${opened}'\n`)
chmodSync(BROWSER, 0o700)

/** Starts `sallyport login`. @returns the printed address of the sign-in page, and the end of the command */
async function startLogin(user: Cli, args: string[] = []): Promise<{ address: URL; ended: Promise<Ended> }> {
  let shown = ''
  const ended = user.run(['login', ...args], {
    env: { BROWSER },
    onStart: (child) =>
      child.stderr?.on('data', (chunk) => {
        shown += chunk
      }),
  })
  const address = waitForAddress(() => shown, '/oauth2-token/authorize')
  const early = ended.then(({ stderr }) => {
    throw new Error(`the command ended: ${stderr}`)
  })
  return { address: new URL(await Promise.race([address, early])), ended }
}

/** Signs the operator in on the pages, and agrees to the redirect to this machine. */
async function signInAt(address: URL): Promise<PlainBrowser> {
  const browser = new PlainBrowser()
  await browser.open(address.href)
  await browser.press('Sign in', { username: 'operator', password: OPERATORS.operator })
  return browser
}

function sendTo(url: string, method = 'GET'): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { method }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end()
  })
}

describe('a sign-in by browser', () => {
  it('login opens the browser, receives the code on 127.0.0.1, and stores the tokens', async () => {
    const user = cli.another()
    const { address, ended } = await startLogin(user)
    const { redirect_uri: redirectUri = '', ...parameters } = Object.fromEntries(address.searchParams)
    expect(parameters).toEqual({
      response_type: 'code',
      client_id: 'sallyport-cli',
      state: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    })
    expect(redirectUri).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback$/)
    const browser = await signInAt(address)
    await browser.press('Allow')
    expect({ status: browser.status, heading: /<h1>(.*?)<\/h1>/.exec(browser.html)?.[1] }).toEqual({
      status: 200,
      heading: 'You are signed in',
    })
    expect(browser.html).toContain('You can close this window')
    expect(browser.headers.get('Content-Security-Policy')).toMatch(/^default-src 'none'/)
    expect(browser.headers.get('Referrer-Policy')).toBe('no-referrer')
    expect(await ended).toEqual({
      code: 0,
      stdout: '',
      stderr: `Sign in with your browser. If it does not open, open this URL on this machine:\n${address}\nSigned in at ${issuer} as operator.\n`,
    })
    expect(readFileSync(opened, 'utf8')).toBe(address.href)
    expect(statSync(user.credentialsPath).mode & 0o777).toBe(0o600)
    user.expireAccessToken()
    expect((await user.run(['whoami'])).code).toBe(0)
    expect((await user.run(['logout'])).code).toBe(0)
  })

  it('a request of another program does not end the sign-in', async () => {
    const { address, ended } = await startLogin(cli.another())
    const redirectUri = address.searchParams.get('redirect_uri') ?? ''
    const state = address.searchParams.get('state') ?? ''
    expect(await sendTo(`${redirectUri}?code=x&state=other&iss=${issuer}`)).toBe(400)
    expect(await sendTo(`${redirectUri}?state=${state}&code=x`, 'POST')).toBe(404)
    expect(await sendTo(new URL('/favicon.ico', redirectUri).href)).toBe(404)
    expect(
      await sendTo(new URL('http://127.0.0.1//').href.replace('127.0.0.1', new URL(redirectUri).host)),
    ).toBe(404)
    const browser = await signInAt(address)
    await browser.press('Allow')
    expect((await ended).code).toBe(0)
  })

  it('login fails if the user cancels, or if the response is of another server', async () => {
    const cancelled = await startLogin(cli.another())
    const browser = await signInAt(cancelled.address)
    await browser.press('Cancel')
    expect(browser.html).toContain('You are not signed in')
    expect(await cancelled.ended).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/\nsallyport: The sign-in was cancelled\.\n$/),
    })
    const mixed = await startLogin(cli.another())
    const { redirect_uri: target, state } = Object.fromEntries(mixed.address.searchParams)
    expect(
      await sendTo(
        `${target}?${new URLSearchParams({ code: 'x', state: state ?? '', iss: 'https://evil.test' })}`,
      ),
    ).toBe(400)
    expect(await mixed.ended).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`${issuer} is not the issuer of the service`),
    })
  })

  it('login reports a client without the grant before it opens the browser', async () => {
    const args = ['--grants', 'password', '--redirect-uris', '']
    expect(await cli.run(['clients', 'update', 'sallyport-cli', ...args])).toMatchObject({ code: 0 })
    // The token service is another isolate. It sees the change within this time.
    await setTimeout(CHANGE_LIST_SECONDS.max * 1000 + 1000)
    expect(await cli.another().run(['login'], { env: { BROWSER } })).toEqual({
      code: 1,
      stdout: '',
      stderr: `sallyport: ${issuer} has no sign-in by browser for the client sallyport-cli. Use --username, or change the client: see docs/cli.md.\n`,
    })
  })
})
