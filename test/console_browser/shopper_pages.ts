import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Browser } from 'playwright-core'
import { expect, it } from 'vitest'
import * as z from 'zod/mini'
import { LOCAL_CALLBACK } from '../../scripts/demo_data.ts'
import { ACCOUNT_LANGUAGE_VIEWS, ACCOUNT_VIEWS } from '../../scripts/screenshots/account_views.ts'
import { authorizePath } from '../../scripts/screenshots/code_flow.ts'
import { INBOX_VIEWS } from '../../scripts/screenshots/inbox_views.ts'
import { LINK_VIEWS } from '../../scripts/screenshots/link_views.ts'
import { PASSWORD } from '../../scripts/screenshots/long_data.ts'
import { RECOVERY_VIEWS } from '../../scripts/screenshots/recovery_views.ts'
import { SECOND_FACTOR_VIEWS } from '../../scripts/screenshots/second_factor_views.ts'
import { SHOPPER_VIEWS, SHOPPERS, signInShopper } from '../../scripts/screenshots/shopper_views.ts'
import { newAddress, readCode, readMail, SIGN_UP_VIEWS } from '../../scripts/screenshots/sign_up_views.ts'
import { OperatorPage } from './operator_page.ts'

const VIEWS = [
  ...SHOPPER_VIEWS,
  ...SECOND_FACTOR_VIEWS,
  ...SIGN_UP_VIEWS,
  ...RECOVERY_VIEWS,
  ...ACCOUNT_VIEWS,
  ...LINK_VIEWS,
  ...INBOX_VIEWS,
]

const NEXT_PASSWORD = 'another new passphrase'

/** A running service with the demo data, and a browser. */
interface Running {
  browser: Browser
  origin: string
}

/** Tests the pages of the sign-in by browser, in the browser and on the service of the caller. */
export function testShopperPages(running: () => Running): void {
  it.each([
    ['every page of the sign-in, of the account and of the inbox', 320, 'light', VIEWS],
    ['every page of the sign-in, of the account and of the inbox', 1440, 'dark', VIEWS],
    ['the account in every language', 320, 'light', ACCOUNT_LANGUAGE_VIEWS],
  ] as const)(
    '%s fits %i pixels in %s, passes axe and requests only the service',
    async (_, width, colorScheme, views) => {
      const { browser, origin } = running()
      for (const shopper of new Set(views.map((view) => view.shopper))) {
        const visitor = await OperatorPage.open(browser, origin, {
          viewport: { width, height: 700 },
          colorScheme,
          ...(shopper !== null && { storageState: await signInShopper(browser, origin, shopper) }),
        })
        // The script would leave the page that it is on.
        await visitor.page.route('**/form_post.js*', (route) => route.abort())
        const foreign: string[] = []
        visitor.page.on('request', (request) => {
          if (!/^data:/.test(request.url()) && new URL(request.url()).origin !== origin)
            foreign.push(request.url())
        })
        for (const { name, path, prepare } of views.filter((view) => view.shopper === shopper)) {
          await visitor.goTo(path)
          await prepare?.(visitor.page)
          expect([name, await visitor.findCut()]).toEqual([name, []])
          expect([name, await visitor.findHidden()]).toEqual([name, []])
          expect([name, await visitor.findBroken()]).toEqual([name, []])
          expect([name, await visitor.findBarriers()]).toEqual([name, []])
        }
        expect(foreign).toEqual([])
        // Chromium logs each response of an error page.
        const complaints = await visitor.leave()
        expect(complaints.filter((text) => !/^(?:400: |console: Failed to load)/.test(text))).toEqual([])
      }
    },
  )

  it('a user signs in by a code from the inbox, without a password and without a script', async () => {
    const { browser, origin } = running()
    const options = { viewport: { width: 390, height: 700 }, javaScriptEnabled: false }
    const visitor = await OperatorPage.open(browser, origin, options)
    const { page } = visitor
    const inbox = await page.context().newPage()
    const codes = inbox.getByRole('link', { name: /code/i })
    const countCodes = async () => {
      await inbox.goto(`${origin}/inbox`)
      return codes.count()
    }
    const before = await countCodes()
    await visitor.goTo(authorizePath({ ui_locales: 'en' }))
    await page.locator('#username').fill(SHOPPERS[0])
    await visitor.press('Email me a code')
    await visitor.hasHeading('Check your email')
    await expect.poll(countCodes, { timeout: 20_000 }).toBeGreaterThan(before)
    await codes.first().click()
    await inbox.waitForURL('**/inbox/*')
    const [code = ''] = /\b\d{6}\b/.exec(await inbox.locator('body').innerText()) ?? []
    expect(code).not.toBe('')
    await page.locator('#email_code').fill(code)
    await visitor.press('Sign in')
    const response = page.waitForRequest((request) => request.url().startsWith(`${LOCAL_CALLBACK}?`))
    await visitor.press('Allow')
    expect([...new URL((await response).url()).searchParams.keys()]).toEqual(['code', 'state', 'iss'])
    await visitor.leave()
  })

  it('a visitor signs up with a code from the inbox, forgets the password and sets another one by a link, without a script', async () => {
    const { browser, origin } = running()
    const options = { viewport: { width: 390, height: 700 }, javaScriptEnabled: false }
    const visitor = await OperatorPage.open(browser, origin, options)
    const { page } = visitor
    await visitor.goTo(authorizePath({ ui_locales: 'en' }))
    await visitor.press('Create an account')
    const address = newAddress()
    await page.getByLabel('Email address').fill(address)
    await visitor.press('Continue')
    await page.getByLabel('6-digit code').fill(await readCode(page, address))
    await visitor.press('Continue')
    await visitor.hasHeading('Choose a password')
    for (const name of ['password', 'repeated']) await page.locator(`#${name}`).fill('a new passphrase')
    await visitor.press('Create account')
    const response = page.waitForRequest((request) => request.url().startsWith(`${LOCAL_CALLBACK}?`))
    await visitor.press('Allow')
    expect([...new URL((await response).url()).searchParams.keys()]).toEqual(['code', 'state', 'iss'])
    const forgetful = await OperatorPage.open(browser, origin, options)
    await forgetful.goTo(authorizePath({ ui_locales: 'en' }))
    await forgetful.page.getByRole('link', { name: 'Forgot your password?' }).click()
    await forgetful.page.locator('#username').fill(address)
    await forgetful.press('Send the link')
    await forgetful.hasHeading('Check your email')
    const mail = await readMail(forgetful.page, address, 'password')
    // Only a page with scripts can run axe.
    const reader = await OperatorPage.open(browser, origin, { viewport: { width: 320, height: 700 } })
    await reader.page.goto(/https?:\S+reset-password\S+/.exec(mail)?.[0] ?? '')
    await reader.hasHeading('Choose a new password')
    expect([await reader.findCut(), await reader.findBarriers()]).toEqual([[], []])
    for (const name of ['password', 'repeated']) await reader.page.locator(`#${name}`).fill(NEXT_PASSWORD)
    await reader.press('Set password')
    await reader.hasHeading('Your password is set')
    await reader.leave()
    await forgetful.page.getByRole('link', { name: 'Back to the sign-in' }).click()
    await forgetful.page.locator('#username').fill(address)
    await forgetful.page.locator('#password').fill(NEXT_PASSWORD)
    await forgetful.press('Sign in')
    const returned = forgetful.page.waitForRequest((request) =>
      request.url().startsWith(`${LOCAL_CALLBACK}?`),
    )
    await forgetful.press('Allow')
    await returned
    await forgetful.leave()
    await visitor.leave()
  })

  it('a visitor signs up on the account page, changes the profile and deletes the account, without a script', async () => {
    const { browser, origin } = running()
    const options = { viewport: { width: 390, height: 700 }, javaScriptEnabled: false }
    const visitor = await OperatorPage.open(browser, origin, options)
    const { page } = visitor
    await visitor.goTo('/account/customers/profile?ui_locales=en')
    await visitor.press('Create an account')
    const address = newAddress()
    await page.getByLabel('Email address').fill(address)
    await visitor.press('Continue')
    await page.getByLabel('6-digit code').fill(await readCode(page, address))
    await visitor.press('Continue')
    for (const name of ['password', 'repeated']) await page.locator(`#${name}`).fill('a new passphrase')
    await visitor.press('Create account')
    await visitor.hasHeading('Profile')
    await page.getByLabel('Full name').fill('Ann Lee')
    await visitor.press('Save')
    expect(await page.getByRole('status').innerText()).toBe('Your profile is saved.')
    await visitor.goTo('/account/customers/deletion')
    await page.locator('#username').fill(address)
    await visitor.press('Delete my account')
    await visitor.hasHeading('Your account will be deleted')
    await visitor.leave()
  })

  it('a user signs in and gives consent with the keyboard only, without a script, and the code goes to the client', async () => {
    const { browser, origin } = running()
    const visitor = await OperatorPage.open(browser, origin, {
      viewport: { width: 320, height: 700 },
      javaScriptEnabled: false,
    })
    const { page } = visitor
    const focused = () => page.evaluate('document.activeElement.id || document.activeElement.textContent')
    const tabTo = async (name: string) => {
      await page.keyboard.press('Tab')
      expect(await focused()).toBe(name)
    }
    await visitor.goTo(authorizePath({ client_id: 'demo-partner', scope: 'orders' }))
    expect(await focused()).toBe('username')
    await page.keyboard.type(SHOPPERS[0])
    await tabTo('password')
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press('Enter')
    await visitor.hasHeading('Allow Partner app to use your account?')
    await tabTo('Allow')
    await tabTo('Cancel')
    await tabTo('Use another account')
    await page.keyboard.press('Shift+Tab')
    await page.keyboard.press('Shift+Tab')
    const response = page.waitForRequest((request) => request.url().startsWith(`${LOCAL_CALLBACK}?`))
    await page.keyboard.press('Enter')
    const { searchParams } = new URL((await response).url())
    expect([...searchParams.keys()]).toEqual(['code', 'state', 'iss'])
    await visitor.leave()
  })

  it('the back button shows a page that continues, after a consent and after a wrong password', async () => {
    const { browser, origin } = running()
    const visitor = await OperatorPage.open(browser, origin, { viewport: { width: 390, height: 700 } })
    const { page } = visitor
    const submit = async (password: string) => {
      await page.getByLabel('Username').fill(SHOPPERS[0])
      await page.getByLabel('Password').fill(password)
      await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    }
    const application = createServer((_request, response) => response.end('The application'))
    await once(application.listen(0, '127.0.0.1'), 'listening')
    const { port } = z.object({ port: z.int() }).parse(application.address())
    const callback = `http://127.0.0.1:${port}/callback`
    const allow = async () => {
      await visitor.hasHeading('Allow Partner app to use your account?')
      await page.getByRole('button', { name: 'Allow' }).click()
      await page.waitForURL((url) => url.href.startsWith(`${callback}?code=`))
    }
    const request = { client_id: 'demo-partner', scope: 'orders', prompt: 'consent', redirect_uri: callback }
    await visitor.goTo(authorizePath(request))
    await submit('wrong')
    await page.getByRole('alert').filter({ hasText: 'Wrong username or password.' }).waitFor()
    await submit(PASSWORD)
    await allow()
    await page.goBack()
    await allow()
    // The page of the consent, then the page after the wrong password.
    await page.goBack()
    await page.goBack()
    await page.getByRole('alert').filter({ hasText: 'Your sign-in has changed' }).waitFor()
    await page.getByRole('button', { name: `Continue as ${SHOPPERS[0]}` }).click()
    await allow()
    await visitor.leave()
    application.close()
  })
}
