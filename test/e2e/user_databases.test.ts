import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashSync } from 'bcryptjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { configureBundle } from '../../scripts/configure_bundle.ts'
import { type ServiceServer, startService } from '../../scripts/worker_server.ts'
import { untilAudited } from '../support/audit_lag.ts'
import { Cli, OPERATORS } from '../support/cli.ts'
import { PlainBrowser } from '../support/plain_browser.ts'
import { serviceBundle } from '../support/shared_builds.ts'
import { STAFF_DATABASES, STAFF_IN_DATABASES } from '../support/staff_databases.ts'
import { requestTokens, STAFF } from '../support/token_client.ts'

// Both Workers as they are deployed, with the staff in two databases beside the main one, the command line and the console. The staff
// of the demo data are still in the main database.

const PASSWORD = 'a long passphrase'
const IMPORTED = 30
/** The staff of the demo data. */
const DEMO = ['admin', 'clerk']
const BCRYPT = hashSync(PASSWORD, 4)
const CLIENT = { client_id: STAFF.client_id, client_secret: STAFF.client_secret }

let service: ServiceServer
let cli: Cli

beforeAll(async () => {
  const bundle = configureBundle(await serviceBundle(), STAFF_IN_DATABASES)
  service = await startService(bundle, { databases: STAFF_DATABASES })
  cli = await Cli.build(service.origin)
  await cli.signIn()
})

afterAll(() => service.close())

/** The usernames in each database of the staff. */
async function usernamesByDatabase(): Promise<Map<string, string[]>> {
  const bindings = Object.entries(service.stores).filter(([name]) =>
    ['DB', ...STAFF_DATABASES].includes(name),
  )
  const reads = bindings.map(async ([name, db]) => {
    const { results } = await (db as D1Database)
      .prepare("SELECT username FROM users WHERE pool = 'staff' ORDER BY username")
      .all<{ username: string }>()
    return [name, results.map(({ username }) => username)] as const
  })
  return new Map(await Promise.all(reads))
}

const create = (username: string, ...options: string[]) =>
  cli.run(['users', 'create', username, '--pool', 'staff', ...options], { stdin: `${PASSWORD}\n` })

const signIn = (username: string) =>
  requestTokens(service.origin, { ...CLIENT, username, password: PASSWORD })

async function refresh(token: string): Promise<number> {
  const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token, ...CLIENT })
  return (await fetch(`${service.origin}/oauth2-token`, { method: 'POST', body })).status
}

/** The usernames of a list of the command line. */
async function list(...args: string[]): Promise<unknown[]> {
  const { items } = await cli.json('users', 'list', '--pool', 'staff', '--all', ...args)
  return (items as Record<string, unknown>[]).map(({ username }) => username)
}

const imported = Array.from({ length: IMPORTED }, (_, i) => `member-${String(i).padStart(2, '0')}@shop.test`)

function importStaff() {
  const file = join(cli.directory, 'staff.csv')
  const rows = imported.map((username) => `${username},${BCRYPT},Lee Member`)
  writeFileSync(file, `${['username,password_hash,name', ...rows].join('\n')}\n`)
  return cli.run(['import', 'users', file, '--pool', 'staff', '--yes'])
}

describe('the command line, with users in several databases', () => {
  it('an import adds users to both databases, and a second import adds none', async () => {
    expect(await importStaff()).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(`${IMPORTED} users created`),
    })
    const places = await usernamesByDatabase()
    expect(places.get('DB')).toEqual(DEMO)
    for (const name of STAFF_DATABASES) expect(places.get(name)?.length).toBeGreaterThan(0)
    expect([...places.values()].flat().sort()).toEqual([...DEMO, ...imported])
    expect(await importStaff()).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(`${IMPORTED} already exist`),
    })
    expect([...(await usernamesByDatabase()).values()].flat().sort()).toEqual([...DEMO, ...imported])
  })

  it('users create adds a user once, and refuses the username of a user of each database', async () => {
    expect(await create('ann', '--name', 'Ann Lee')).toMatchObject({ code: 0 })
    const names = [...(await usernamesByDatabase()).values()].map(([first]) => first ?? '')
    expect(names).toHaveLength(3)
    for (const username of ['ann', ...names]) {
      const { code, stderr } = await create(username)
      expect([username, code, stderr]).toEqual([
        username,
        5,
        expect.stringContaining('is taken in this pool'),
      ])
    }
    expect((await signIn('ann')).access_token).toEqual(expect.any(String))
  })

  it('users list and search merge the users of all databases, in order', async () => {
    expect(await list()).toEqual(['admin', 'ann', 'clerk', ...imported])
    expect(await list('--search', 'MEMBER-1')).toEqual(imported.filter((name) => name.startsWith('member-1')))
    const { stdout } = await cli.run(['search', 'member-07'])
    expect(stdout).toContain('member-07@shop.test')
  })

  it('users show, disable, enable and delete work for a user of each database, and why names the end of the session', async () => {
    for (const binding of STAFF_DATABASES) {
      const username = (await usernamesByDatabase()).get(binding)?.at(-1) ?? ''
      const { id } = await cli.json('users', 'show', username)
      expect(String(id)).toMatch(/^user:u[12]\.[\w-]{22}$/)
      const { refresh_token: token } = await signIn(username)
      expect(await refresh(token)).toBe(200)
      expect(await cli.run(['users', 'disable', username])).toMatchObject({ code: 0 })
      await untilAudited()
      const { code, stdout } = await cli.run(['why', binding === 'USERS_1' ? username : String(id)])
      expect(code).toBe(0)
      expect(stdout).toMatch(
        new RegExp(`Session \\S+ of ${username} .* ended .* by the operator operator\\.`),
      )
      await expect(signIn(username)).rejects.toThrow('400')
      expect(await cli.run(['users', 'enable', username])).toMatchObject({ code: 0 })
      expect((await signIn(username)).access_token).toEqual(expect.any(String))
      const deleted = await cli.run(['users', 'delete', username, '--yes'])
      expect([deleted.code, deleted.stderr]).toEqual([
        0,
        expect.stringContaining(`Deleted ${username} of the pool staff`),
      ])
      expect((await usernamesByDatabase()).get(binding)).not.toContain(username)
      await expect(signIn(username)).rejects.toThrow('400')
    }
  })

  it('users export has the account, the sessions and the events of a user of each database', async () => {
    for (const binding of STAFF_DATABASES) {
      const username =
        (await usernamesByDatabase()).get(binding)?.find((name) => name.startsWith('member')) ?? ''
      const { refresh_token: token } = await signIn(username)
      expect(await refresh(token)).toBe(200)
      await untilAudited()
      const { code, stdout } = await cli.run(['users', 'export', username], {
        stdin: `${OPERATORS.operator}\n`,
      })
      expect(code).toBe(0)
      expect(stdout).not.toMatch(/\$2[aby]\$|argon2/)
      const { user, sessions, events } = JSON.parse(stdout)
      expect(user).toMatchObject({ username, pool: 'staff', profile: { name: 'Lee Member' } })
      expect(sessions).toMatchObject([{ client_id: CLIENT.client_id, state: 'live' }])
      expect(events.map(({ kind }: { kind: string }) => kind)).toEqual(
        expect.arrayContaining(['admin', 'issue', 'refresh']),
      )
    }
  })
})

describe('the console, with users in several databases', () => {
  it('the list and the search of the console show the users of all databases, and a page shows a user', async () => {
    const browser = new PlainBrowser()
    await browser.open(`${service.origin}/console`)
    await browser.press('Sign in', { username: 'operator', password: OPERATORS.operator })
    expect(browser.status).toBe(200)
    const expected = [...(await usernamesByDatabase()).values()].flat().sort()
    const shown: string[] = []
    let next: string | null = '/console/users?pool=staff'
    while (next !== null) {
      await browser.open(new URL(next, service.origin).href)
      shown.push(
        ...[...browser.html.matchAll(/<th scope="row"><a href="[^"]+"[^>]*>(.*?)<\/a>/g)].map(
          ([, name = '']) => name.replaceAll('<wbr/>', ''),
        ),
      )
      next = /<a href="([^"]+)"[^>]*rel="next"/.exec(browser.html)?.[1]?.replaceAll('&amp;', '&') ?? null
    }
    expect(shown).toEqual(expected)
    await browser.open(`${service.origin}/console/users?q=Lee`)
    expect(browser.html.replaceAll('<wbr/>', '')).toContain('member-00@shop.test')
    const [user = ''] = (await usernamesByDatabase()).get('USERS_2') ?? []
    await browser.open(`${service.origin}/console/search?${new URLSearchParams({ q: user })}`)
    expect([browser.status, new URL(browser.url).pathname]).toEqual([
      200,
      expect.stringMatching(/^\/console\/users\/user%3Au2\./),
    ])
  })
})
