import { afterAll, beforeAll, expect, it } from 'vitest'
import { breachScene, FRESH } from '../support/breaches.ts'
import { addConsoleClient, ConsoleBrowser, makeSessionCookie } from '../support/console.ts'
import { TestOperator } from '../support/operator.ts'
import { emptyStores, PASSWORD, TestServer } from '../support/server.ts'

beforeAll(emptyStores)
// The clock of this server is ahead, and so are the times of its events.
afterAll(emptyStores)

it('the statistics count the breached passwords and the unchecked passwords', async () => {
  const { ranges, server, client } = await breachScene()
  const calm = new TestServer({ clock: server.clock })
  const operator = new TestOperator(server, await TestOperator.confirmed(calm))
  const [user, other] = [await server.addUser(), await server.addUser()]
  await server.signIn(client, user.username)
  await operator.post(`/users/${user.id}/password`, { password: PASSWORD })
  ranges.fault = () => new Response(null, { status: 503 })
  await server.signIn(client, other.username)
  const { body } = await operator.get('/statistics')
  expect(body.total).toMatchObject({ breached_passwords: 2, unchecked_passwords: 1, failures: 0 })
})

it('the dashboard shows both counts only if config.yml has `breached_passwords`', async () => {
  const { server } = await breachScene()
  const titlesOf = (html: string) =>
    [...html.matchAll(/class="chart-title">([^<]+)</g)].map(([, title]) => title)
  const calm = new TestServer({ clock: server.clock })
  const usual = ['Authorization code', 'Password', 'Active sessions', 'Failures']
  expect(titlesOf((await (await ConsoleBrowser.signIn(calm)).get('/console')).html)).toEqual(usual)
  const { html } = await (await ConsoleBrowser.signIn(server)).get('/console')
  expect(titlesOf(html)).toEqual([...usual, 'Breached passwords', 'Unchecked passwords'])
})

it('the console shows a breached password of the operator and of a user', async () => {
  const { server, client } = await breachScene({ outcome: 'change' })
  const operator = await server.addUser({ pool: 'operators', roles: ['admin'] })
  const browser = new ConsoleBrowser(server)
  await addConsoleClient(server)
  await browser.signInAt('/console/users', operator.username)
  // The page records the breach. The next session is one of another browser.
  browser.cookie = await makeSessionCookie(server, operator)
  expect(await browser.get('/console/users')).toMatchObject({ status: 303, location: '/console/password' })
  const { html } = await browser.get('/console/password')
  expect(html).toContain(
    'in a list of breached passwords, which attackers try first. You must set a new password before you can do anything else.',
  )
  expect(html).toContain('8 to 128 characters.')
  const fields = { current_password: PASSWORD, password: FRESH, repeated: FRESH }
  expect(await browser.post('/console/password', fields)).toMatchObject({ status: 303 })
  const user = await server.addUser()
  await server.signIn(client, user.username)
  expect((await browser.get(`/console/users/${user.id}`)).html).toContain('Breached password</span>')
})
