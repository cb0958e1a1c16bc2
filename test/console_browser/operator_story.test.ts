import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findChromium, launchChromium } from '../../scripts/chromium.ts'
import { viewsOf } from '../../scripts/screenshots/console_views.ts'
import { addMails } from '../../scripts/screenshots/inbox_views.ts'
import { makeLinks } from '../../scripts/screenshots/link_views.ts'
import { addLongRecords, addLongSessions, type LongData } from '../../scripts/screenshots/long_data.ts'
import { type ServiceServer, startService } from '../../scripts/worker_server.ts'
import { PAGES } from '../../src/console/pages.ts'
import { untilAudited } from '../support/audit_lag.ts'
import { serviceBundle } from '../support/shared_builds.ts'
import { OperatorPage } from './operator_page.ts'
import { testPasskeyPages } from './passkey_pages.ts'
import { testShopperPages } from './shopper_pages.ts'
import { makeTraffic, refresh, signInCustomer } from './traffic.ts'

const PASSWORDS = { operator: 'operator battery staple', support: 'support battery staple' }
const OPERATOR = ['operator', PASSWORDS.operator] as const
/** The users and clients with long names, and their sessions. */
const ROWS = 60
const HAS_NO_CHROMIUM = findChromium() === null
if (HAS_NO_CHROMIUM) {
  console.warn(
    '\nChromium is not installed, so the console tests in the browser are skipped. On Debian: apt-get install chromium\n',
  )
}

describe.skipIf(HAS_NO_CHROMIUM)('the console in a browser', () => {
  let service: ServiceServer
  let browser: Browser
  let longData: LongData

  beforeAll(async () => {
    service = await startService(await serviceBundle())
    browser = await launchChromium()
    await makeTraffic(service.origin)
    await addLongRecords(service.stores, service.config, ROWS)
    await addMails(service.stores, service.config)
    await makeLinks(service.stores, service.config)
    longData = await addLongSessions(service.origin, ROWS)
    await untilAudited()
  })
  afterAll(() => Promise.all([browser?.close(), service?.close()]))

  const arrive = (options = {}) => OperatorPage.open(browser, service.origin, options)
  testShopperPages(() => ({ browser, origin: service.origin }))
  testPasskeyPages(() => ({ browser, service }))

  it('an operator creates a client, sees its first token, rotates a key, and finds why a user was signed out', async () => {
    const operator = await arrive({ viewport: { width: 1400, height: 850 } })
    const { page } = operator
    await operator.signIn(...OPERATOR)

    await page.getByRole('link', { name: 'Clients' }).click()
    await page.getByRole('link', { name: 'New client' }).click()
    await page.getByLabel('Client id').fill('spring-app')
    await operator.press('Create client')
    await operator.hasHeading('spring-app')
    const secret = await page.locator('#secret').innerText()
    expect(secret).toMatch(/^sps_[\w-]{43}$/)
    expect(page.url()).not.toContain(secret)
    await operator.screenshot('1-secret-shown-once')
    const command = await page.locator('#token-request').innerText()
    const { stdout } = await promisify(execFile)('sh', ['-c', command])
    expect(JSON.parse(stdout)).toMatchObject({ token_type: 'Bearer', access_token: expect.any(String) })

    const client = { client_id: 'spring-app', client_secret: secret }
    const tokens = await signInCustomer(service.origin, client)
    await page.getByRole('link', { name: 'Go to the client' }).click()
    await page.getByRole('link', { name: 'Events of this client' }).click()
    const signIn = page.getByRole('row').filter({ hasText: 'Sign-in' })
    await signIn.getByRole('link', { name: 'Timeline' }).first().waitFor()
    await operator.screenshot('2-the-event-in-the-audit')

    await page.getByRole('link', { name: 'Keys' }).click()
    await operator.confirm('Rotate')
    await operator.says('The next key is published')
    expect(await page.getByRole('row').filter({ hasText: 'Next' }).count()).toBe(1)
    await operator.screenshot('3-keys')
    const refreshed = await refresh(service.origin, tokens, client)
    expect(refreshed.status).toBe(200)

    await page.getByRole('link', { name: 'Users' }).click()
    await page.getByLabel('Part of a username, name or email').fill('amanda')
    await operator.press('Search')
    await page.getByRole('link', { name: 'amanda@example.com' }).click()
    await operator.confirm('Sign out everywhere')
    await operator.says('All sessions of the user were ended.')
    await operator.screenshot('4-signed-out-everywhere')
    expect((await refresh(service.origin, refreshed.body, client)).status).toBe(400)
    await untilAudited()

    await page.goto(`${service.origin}/console/sessions?client_id=spring-app`)
    const session = page.getByRole('row').filter({ hasText: 'amanda@example.com' })
    await session.getByRole('link', { name: 'Timeline' }).click()
    await page
      .getByText('The session ended because all sessions of the user were ended, by the operator ')
      .first()
      .waitFor()
    const told = await page.locator('.timeline strong').allInnerTexts()
    expect(told).toEqual(['Sign-in', 'Notification', 'Refresh', 'Revocation', 'Refused refresh', 'Ended'])
    await page.locator('.timeline').getByRole('link').first().waitFor()
    await operator.screenshot('5-timeline')

    await operator.press('Sign out')
    await operator.hasHeading('Signed out')
    await page.goBack()
    await operator.hasHeading('Sign in')
    expect(await operator.leave()).toEqual([])
  })

  it('a refused form shows the error at the field and keeps the typed values', async () => {
    const operator = await arrive({ viewport: { width: 400, height: 850 } })
    const { page } = operator
    await operator.signIn(...OPERATOR)
    await operator.goTo('/console/clients/~new')
    await page.getByLabel('Client id').fill('no good')
    await page.getByLabel('Origins').fill('shop')
    await operator.press('Create client')
    await page.getByRole('alert').filter({ hasText: 'Nothing was saved' }).waitFor()
    expect(await page.getByLabel('Client id').inputValue()).toBe('no good')
    expect(await page.getByLabel('Client id').getAttribute('aria-invalid')).toBe('true')
    expect(await operator.findBarriers()).toEqual([])
    await operator.screenshot('6-refused-form')
    // Chromium logs the 422 as an error.
    expect((await operator.leave()).every((complaint) => complaint.includes('422'))).toBe(true)
  })

  it('a link of another site opens its page, with and without a session, and so does the back button after the sign-in', async () => {
    const operator = await arrive()
    const { page } = operator
    const address = `${service.origin}/console/users?q=amanda`
    await page.route('http://elsewhere.test/', (route) =>
      route.fulfill({ contentType: 'text/html', body: `<a href="${address}">Users</a>` }),
    )
    const followLink = async () => {
      await page.goto('http://elsewhere.test/')
      await page.getByRole('link', { name: 'Users' }).click()
    }
    const expectUsers = async () => {
      await operator.hasHeading('Users')
      expect(page.url()).toBe(address)
    }
    const readSession = async () =>
      (await page.context().cookies()).find(({ name }) => name === 'sallyport-console')?.value
    await followLink()
    await operator.fillSignIn(...OPERATOR)
    await expectUsers()
    const session = await readSession()
    await page.goBack()
    await expectUsers()
    await followLink()
    await expectUsers()
    expect(await readSession()).toBe(session)
    // The browser session of the service signs the operator in.
    await page.context().clearCookies({ name: 'sallyport-console' })
    await followLink()
    await expectUsers()
    await operator.press('Sign out')
    await operator.hasHeading('Signed out')
    await page.goBack()
    await page.getByLabel('Password').waitFor()
    expect(await operator.leave()).toEqual([])
  })

  it('the console works with the keyboard only', async () => {
    const operator = await arrive()
    const { page } = operator
    await operator.signIn(...OPERATOR)
    const focused = () =>
      page.evaluate('document.activeElement.placeholder ?? document.activeElement.textContent.trim()')
    const names = [
      'Skip to content',
      'Sallyport',
      'Dashboard',
      'Clients',
      'Users',
      'Sessions',
      'Keys',
      'Audit',
    ]
    for (const name of [
      ...names,
      'Password',
      'Sign out',
      'Find a user, client, session or key',
      'Find',
      'Load again',
      'Pause refresh',
      '1 hour',
    ]) {
      await page.keyboard.press('Tab')
      expect(await focused()).toBe(name)
    }
    await operator.goTo('/console/clients/storefront-demo')
    await page.locator('summary', { hasText: 'Add a secret' }).focus()
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('Add a secret')
    expect(await operator.leave()).toEqual([])
  })

  it('a column of the dashboard opens its audit events, and the keyboard reaches them by the table', async () => {
    const operator = await arrive()
    const { page } = operator
    await operator.signIn(...OPERATOR)
    const guests = page.getByRole('figure').filter({ hasText: 'Guest' })
    const column = guests.locator('svg a').last()
    expect(await column.getAttribute('tabindex')).toBe('-1')
    const [, value = ''] = /: (\d+) tokens?$/.exec((await column.locator('title').textContent()) ?? '') ?? []
    await column.click()
    await operator.hasHeading('Audit')
    await page.getByRole('row').filter({ hasText: 'Guest' }).first().waitFor()
    await page.goBack()
    await page.getByRole('link', { name: 'Show as a table' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('link', { name: 'Show as charts' }).waitFor()
    expect(await operator.findBarriers()).toEqual([])
    await page.getByRole('cell').getByRole('link', { name: value, exact: true }).first().focus()
    await page.keyboard.press('Enter')
    await operator.hasHeading('Audit')
    expect(await operator.leave()).toEqual([])
  })

  it('the console shows times in the time zone of the browser, with UTC in the title, and in UTC without a script', async () => {
    const sent = '2026-11-01T03:30'
    const path = `/console/audit?client_id=storefront-demo&from=${sent}`
    const [local, plain] = await Promise.all([
      arrive({ timezoneId: 'Asia/Kolkata' }),
      arrive({ timezoneId: 'Asia/Kolkata', javaScriptEnabled: false }),
    ])
    const readTime = ({ page }: OperatorPage) => {
      const time = page.locator('tbody time').first()
      return Promise.all([time.getAttribute('datetime'), time.innerText(), time.getAttribute('title')])
    }
    for (const operator of [local, plain]) {
      await operator.signIn(...OPERATOR)
      await operator.goTo(path)
    }
    const [utc, text, title] = await readTime(local)
    const shifted = new Date(Date.parse(utc ?? '') + 5.5 * 3600 * 1000).toISOString()
    const show = (iso: string | null) => iso?.slice(0, 19).replace('T', ' ')
    expect([text, title]).toEqual([show(shifted), `${show(utc)} UTC`])
    await local.page.getByText('Times are in your time zone, Asia/').waitFor()
    expect(await readTime(plain)).toEqual([utc, title, title])
    await plain.page.getByText('Times are in UTC.').waitFor()
    expect(await plain.page.getByLabel('From (UTC)').inputValue()).toBe(sent)
    expect(await local.page.getByLabel('From', { exact: true }).inputValue()).toBe('2026-11-01T09:00')
    await local.press('Search')
    await local.page.waitForURL((url) => url.searchParams.get('from') === `${sent}:00`)
    expect(await local.leave()).toEqual([])
    expect(await plain.leave()).toEqual([])
  })

  it.each([400, 700, 1000, 1100, 1160, 1280, 1400])(
    'the wide tables show every column and action without horizontal scrolling at %i pixels',
    async (width) => {
      const operator = await arrive({ viewport: { width, height: 850 } })
      await operator.signIn(...OPERATOR)
      for (const path of [
        '/console?view=table',
        '/console/keys',
        '/console/audit',
        '/console/users',
        '/console/sessions',
      ]) {
        await operator.goTo(path)
        for (const summary of await operator.page.locator('summary:visible').all()) await summary.click()
        expect([path, await operator.findCut()]).toEqual([path, []])
      }
      expect(await operator.leave()).toEqual([])
    },
  )

  it('the audit filters fit in one row at 1440 pixels and in two at 1024, where the events are a table, and a table shows the edge behind which it continues', async () => {
    const operator = await arrive({ viewport: { width: 1440, height: 850 }, colorScheme: 'light' })
    const { page } = operator
    await operator.signIn(...OPERATOR)
    await operator.goTo('/console/audit?grant=guest')
    // One row is about 55 pixels high.
    expect((await page.locator('.search').boundingBox())?.height).toBeLessThan(80)
    const panel = page.locator('.panel')
    expect(await operator.findShadows(panel)).toEqual([])
    await page.evaluate(`document.querySelector('.panel table').style.minWidth = '2000px'`)
    expect(await operator.findShadows(panel)).toEqual(['right'])
    await page.evaluate(`document.querySelector('.panel').scrollLeft = 300`)
    expect(await operator.findShadows(panel)).toEqual(['left', 'right'])
    await page.evaluate(`document.querySelector('.panel').scrollLeft = 2000`)
    expect(await operator.findShadows(panel)).toEqual(['left'])
    await page.setViewportSize({ width: 1024, height: 850 })
    await operator.goTo('/console/audit?grant=guest')
    expect((await page.locator('.search').boundingBox())?.height).toBeLessThan(140)
    await page.getByRole('columnheader', { name: 'Event' }).waitFor()
    expect(await page.evaluate(`getComputedStyle(document.querySelector('tbody tr')).display`)).toBe(
      'table-row',
    )
    expect(await operator.leave()).toEqual([])
  })

  it.each([
    [1440, 'light', 'axe'],
    [1024, 'light', 'layout'],
    [390, 'dark', 'axe'],
    [320, 'light', 'layout'],
  ] as const)(
    'every page fits %i pixels in %s with long names, and passes the check of %s',
    async (width, colorScheme, check) => {
      const views = viewsOf(PAGES, longData)
      for (const username of ['operator', 'support', null] as const) {
        const operator = await arrive({ viewport: { width, height: 850 }, colorScheme })
        if (username !== null) await operator.signIn(username, PASSWORDS[username])
        for (const { name, path, prepare } of views.filter((view) => view.username === username)) {
          await operator.goTo(path)
          await prepare?.(operator.page)
          expect([name, await operator.findCut()]).toEqual([name, []])
          expect([name, await operator.findHidden()]).toEqual([name, []])
          expect([name, await operator.findBroken()]).toEqual([name, []])
          if (check === 'axe') expect([name, await operator.findBarriers()]).toEqual([name, []])
        }
        // Chromium logs each response of an error page.
        const complaints = await operator.leave()
        expect(complaints.filter((text) => !/^(?:4\d\d: |console: Failed to load)/.test(text))).toEqual([])
      }
    },
  )
})
