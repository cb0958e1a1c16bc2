import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findChromium, launchChromium } from '../../scripts/chromium.ts'
import { configureBundle } from '../../scripts/configure_bundle.ts'
import { type ServiceServer, startService } from '../../scripts/worker_server.ts'
import { Cli, OPERATORS } from '../support/cli.ts'
import { waitForAddress } from '../support/plain_browser.ts'
import { appOf } from '../support/second_factor.ts'
import { serviceBundle } from '../support/shared_builds.ts'
import { OperatorPage } from './operator_page.ts'

const REQUIRED = { accounts: { operators: { second_factor: 'required' } } }
const CREDENTIALS = ['operator', OPERATORS.operator] as const

describe.skipIf(findChromium() === null)('config.yml requires a second factor for operators', () => {
  let service: ServiceServer
  let browser: Browser
  let cli: Cli

  beforeAll(async () => {
    service = await startService(configureBundle(await serviceBundle(), REQUIRED))
    cli = await Cli.build(service.origin)
    browser = await launchChromium()
  })
  afterAll(() => Promise.all([browser?.close(), service?.close()]))

  /** Runs `sallyport login`, and opens its address. @returns the output of the command */
  async function logIn(operator: OperatorPage, signIn: () => Promise<void>): Promise<string> {
    let shown = ''
    const ended = cli.run(['login'], {
      env: { BROWSER: 'true' },
      onStart: (child) => child.stderr?.on('data', (chunk) => (shown += chunk)),
    })
    await operator.page.goto(await waitForAddress(() => shown, '/oauth2-token/authorize'))
    await signIn()
    await operator.press('Allow')
    await operator.hasHeading('You are signed in')
    const { code, stderr } = await ended
    expect(code).toBe(0)
    return stderr
  }

  it('the next sign-in at the console sets it up, and sallyport login works with and without that browser session', async () => {
    const byPassword = await cli.run(['login', '--username', 'operator'], { stdin: OPERATORS.operator })
    expect(byPassword).toEqual({
      code: 1,
      stdout: '',
      stderr: 'sallyport: You need a second factor: run "sallyport login" without --username.\n',
    })

    const operator = await OperatorPage.open(browser, service.origin)
    const { page } = operator
    await operator.goTo('/console')
    await operator.fillSignIn(...CREDENTIALS)
    await operator.hasHeading('Set up a second factor')
    const app = appOf(await page.locator('code.key').innerText())
    const code = await app.codeAt(Math.floor(Date.now() / 1000))
    await page.getByLabel('6-digit code from the app').fill(code)
    await operator.press('Confirm the code')
    const [recoveryCode = ''] = await page.locator('li code').allInnerTexts()
    await operator.press('I have kept the codes')
    await operator.hasHeading('Dashboard')
    expect(await logIn(operator, async () => {})).toContain(`Signed in at ${service.origin} as operator.`)
    expect(await cli.json('whoami')).toMatchObject({ username: 'operator', roles: ['admin'] })
    expect(await operator.leave()).toEqual([])

    const other = await OperatorPage.open(browser, service.origin)
    await logIn(other, async () => {
      await other.fillSignIn(...CREDENTIALS)
      await other.hasHeading('Confirm that it is you')
      await other.page.getByText('Use a recovery code').click()
      await other.page.getByLabel('Recovery code').fill(recoveryCode)
      await other.press('Continue with the recovery code')
    })
    expect((await cli.run(['clients', 'list'])).code).toBe(0)
    expect(await other.leave()).toEqual([])
  })
})
