import type { ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashSync } from 'bcryptjs'
import { describe, expect, it } from 'vitest'
import { LossyProxy, startCli } from '../support/cli.ts'
import { requestTokens } from '../support/token_client.ts'

const ROWS = 3000
const PASSWORD = 'correct horse'
const BCRYPT = hashSync(PASSWORD, 4)

const { cli, issuer } = await startCli()

function write(name: string, lines: readonly string[]): string {
  const path = join(cli.directory, name)
  writeFileSync(path, `${lines.join('\n')}\n`)
  return path
}

/** CSV of users whose usernames begin with a prefix. */
function writeUsers(prefix: string, count: number): string {
  const rows = Array.from(
    { length: count },
    (_, i) => `${prefix}${i}@shop.test,${BCRYPT},"buyer,vip",t,"Lee, ${i}"`,
  )
  return write(`${prefix}.csv`, ['username,password_hash,roles,enabled,name', ...rows])
}

/** Hashes a password with the algorithm of Symfony's MessageDigestPasswordHasher. */
function hashLikeSymfony(password: string, salt: string, iterations: number): string {
  const salted = Buffer.from(`${password}{${salt}}`)
  let digest = createHash('sha512').update(salted).digest()
  for (let i = 1; i < iterations; i++) digest = createHash('sha512').update(digest).update(salted).digest()
  return digest.toString('base64')
}

/** Counts the users whose usernames begin with a prefix. */
async function count(prefix: string): Promise<number> {
  const { items } = await cli.json('users', 'list', '--search', prefix, '--all')
  return (items as unknown[]).length
}

describe('an import of users', () => {
  it('the import checks the whole file first, and changes nothing without a confirmation', async () => {
    const file = writeUsers('dry', 250)
    const trial =
      'Dry run: 250 users to create, 0 already exist, 0 rows refused.\nPassword hashes: 250 bcrypt.\n'
    expect(await cli.run(['import', 'users', file, '--pool', 'customers', '--dry-run'])).toEqual({
      code: 0,
      stdout: '',
      stderr: trial,
    })
    expect(await cli.run(['import', 'users', file, '--pool', 'customers'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`${trial}sallyport: Create 250 users? Repeat it with --yes.`),
    })
    expect(await count('dry')).toBe(0)
  })

  it(`the import creates ${ROWS} users, and a second run skips them`, async () => {
    const args = ['import', 'users', writeUsers('many', ROWS), '--pool', 'customers', '--yes', '--json']
    const first = await cli.run(args)
    expect(first.code).toBe(0)
    expect(JSON.parse(first.stdout)).toEqual({
      dry_run: false,
      created: ROWS,
      updated: 0,
      exists: 0,
      refused: 0,
      passwords: { bcrypt: ROWS },
      rows: [],
      warnings: [],
    })
    expect(JSON.parse((await cli.run(args)).stdout)).toEqual({
      dry_run: true,
      created: 0,
      updated: 0,
      exists: ROWS,
      refused: 0,
      passwords: {},
      rows: [],
      warnings: [],
    })
    expect(await cli.json('users', 'show', 'many17@shop.test')).toMatchObject({
      pool: 'customers',
      roles: ['buyer', 'vip'],
      profile: { name: 'Lee, 17' },
      enabled: true,
    })
  })

  it('imported users sign in with their old password (bcrypt or Symfony’s sha512)', async () => {
    const salt = 'k8sa2xq1'
    const file = write('old.csv', [
      'username,password_hash,hash_scheme,salt,iterations',
      `old1@shop.test,${BCRYPT},,${salt},`,
      `old2@shop.test,${hashLikeSymfony(PASSWORD, salt, 5000)},symfony-sha512,${salt},`,
      `old3@shop.test,${hashLikeSymfony(PASSWORD, salt, 3)},symfony-sha512,${salt},3`,
    ])
    expect((await cli.run(['import', 'users', file, '--pool', 'customers', '--yes'])).code).toBe(0)
    for (const username of ['old1@shop.test', 'old2@shop.test', 'old3@shop.test']) {
      const customer = { client_id: 'storefront-public', username, password: PASSWORD }
      expect(await requestTokens(issuer, customer)).toHaveProperty('access_token')
    }
  })

  it('the import reports each refused row once with its line and reason, and imports the others', async () => {
    const file = write('mixed.jsonl', [
      JSON.stringify({ username: 'mixed1', password: 'a long passphrase', pool: 'customers' }),
      JSON.stringify({
        username: 'mixed2',
        password_hash: BCRYPT.replace('$04$', '$15$'),
      }),
      JSON.stringify({
        username: 'mixed3',
        password: 'a long passphrase',
        roles: ['boss'],
        pool: 'operators',
      }),
      JSON.stringify({ username: 'guest', password: 'a long passphrase' }),
      'oops',
    ])
    const report = join(cli.directory, 'report.txt')
    const args = ['import', 'users', file, '--pool', 'customers', '--yes']
    const { code, stderr } = await cli.run([...args, '--report', report])
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `Dry run: 1 user to create, 0 already exist, 4 rows refused.
Password hashes: 1 plain password.
Done: 1 user created, 0 already exist, 4 rows refused.
sallyport: 4 rows were refused.
`,
    })
    const lines = readFileSync(report, 'utf8').trimEnd().split('\n')
    expect(lines).toEqual([
      expect.stringMatching(
        /^line 2: mixed2: password_hash: bcrypt: cost=15 takes too long: at most 13; import/,
      ),
      'line 3: mixed3: roles.0: must be support or admin for an operator',
      expect.stringMatching(/^line 4: guest: username: "guest" is the name of anonymous visitors/),
      'line 5: –: is not a JSON object',
    ])
    const customer = { client_id: 'storefront-public', username: 'mixed1', password: 'a long passphrase' }
    expect(await requestTokens(issuer, customer)).toHaveProperty('access_token')
  })

  it('the import refuses a second spelling of a username in any batch, and a sign-in accepts both', async () => {
    const [first, second] = ['ΓΙΏΡΓΟΣ@shop.test', 'γιώργος@shop.test']
    const others = Array.from({ length: 120 }, (_, i) => `between${i}@shop.test`)
    const rows = [first, ...others, second].map((username) => `${username},${BCRYPT}`)
    const file = write('sigma.csv', ['username,password_hash', ...rows])
    const { code, stderr } = await cli.run(['import', 'users', file, '--pool', 'customers', '--yes'])
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `line 123: ${second}: username: line 2 has the same
Dry run: 121 users to create, 0 already exist, 1 row refused.
Password hashes: 121 bcrypt.
Done: 121 users created, 0 already exist, 1 row refused.
sallyport: 1 row was refused.
`,
    })
    for (const username of [first, second]) {
      const customer = { client_id: 'storefront-public', username, password: PASSWORD }
      expect(await requestTokens(issuer, customer)).toHaveProperty('access_token')
    }
    expect(await cli.json('users', 'show', second)).toMatchObject({ username: 'γιώργοσ@shop.test' })
  })

  it('the report is in the order of the lines, groups equal problems, and warns about changed names', async () => {
    const rows = Array.from(
      { length: 6 },
      (_, i) => `group${i}@shop.test,${BCRYPT},"Ann\t${i}",${i % 2 ? 'boss' : ''}`,
    )
    const file = write('groups.csv', [
      'username,password_hash,name,pool',
      ...rows,
      `last@shop.test,x,L,customers`,
    ])
    const args = ['import', 'users', file, '--dry-run']
    const { code, stdout, stderr } = await cli.run([...args, '--json'])
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr:
        expect.stringContaining(`pool: is required, unless the option --pool is given: 3 rows (lines 2, 4, 6)
pool: must be one of customers, staff, operators: 3 rows (lines 3, 5, 7)
line 8: last@shop.test: password_hash: `),
    })
    const refused = JSON.parse(stdout).rows as { line: number; name: string; problems: string[] }[]
    expect(refused.map(({ line }) => line)).toEqual([2, 3, 4, 5, 6, 7, 8])
    expect(refused[0]).toEqual({
      line: 2,
      name: 'group0@shop.test',
      problems: ['pool: is required, unless the option --pool is given'],
    })
    const accepted = await cli.run([
      'import',
      'users',
      file,
      '--pool',
      'customers',
      '--set',
      'roles=buyer',
      '--dry-run',
    ])
    expect(accepted.stderr).toContain(
      'Warning: name: a tab or line break was replaced by a space: 6 rows (lines 2-7)\n',
    )
  })

  it('a user without a password is imported by --reset missing, and the dry run agrees with the import', async () => {
    const file = write('reset.csv', ['username', 'reset1@shop.test', 'reset2@shop.test'])
    const args = ['import', 'users', file, '--pool', 'customers', '--json']
    expect(await cli.run([...args, '--dry-run'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(
        '--reset missing imports users without a password: 2 rows (lines 2-3)\n',
      ),
    })
    const { dry_run: isDryRun, ...planned } = await cli.json(
      ...args.slice(0, -1),
      '--reset',
      'missing',
      '--dry-run',
    )
    const { dry_run: wasDryRun, ...done } = await cli.json(
      ...args.slice(0, -1),
      '--reset',
      'missing',
      '--yes',
    )
    expect([isDryRun, wasDryRun]).toEqual([true, false])
    expect(done).toEqual(planned)
    expect(await cli.json('users', 'show', 'reset1@shop.test')).toMatchObject({ must_change_password: true })
  })

  it('the import sends no request if a column is unknown', async () => {
    const proxy = await LossyProxy.start(issuer)
    const user = cli.another(proxy.origin)
    const file = write('columns.csv', ['username,passwd', 'a,b'])
    expect(await user.run(['import', 'users', file, '--yes'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('"passwd" is not known; did you mean "password"?'),
    })
    expect(proxy.requests).toEqual([])
    await proxy.close()
  })

  it('the import loses and repeats no row after a lost response', async () => {
    const proxy = await LossyProxy.start(issuer)
    const user = cli.another(proxy.origin)
    await user.signIn()
    const file = writeUsers('lost', 450)
    // The dry run sends five batches. The sixth batch is the first real one.
    proxy.loseAnswerTo('POST /admin/api/users/import', { after: 5 })
    expect(await user.run(['import', 'users', file, '--pool', 'customers', '--yes'])).toEqual({
      code: 0,
      stdout: '',
      stderr: `Dry run: 450 users to create, 0 already exist, 0 rows refused.
Password hashes: 450 bcrypt.
No response; the batch is sent again …
Done: 450 users created, 0 already exist, 0 rows refused.
`,
    })
    expect(await count('lost')).toBe(450)
    await proxy.close()
  })

  it('Ctrl+C lets the current batch finish, and the import prints how to continue', async () => {
    const proxy = await LossyProxy.start(issuer)
    const user = cli.another(proxy.origin)
    await user.signIn()
    const file = writeUsers('stop', 3000)
    const args = ['import', 'users', file, '--pool', 'customers', '--yes']
    const interrupt = (child: ChildProcess) => {
      // The requests are the sign-in, 30 batches of the dry run and a few real batches.
      const timer = setInterval(() => {
        if (proxy.requests.length < 35) return
        clearInterval(timer)
        child.kill('SIGINT')
      }, 1)
    }
    const { code, stderr } = await user.run(args, { onStart: interrupt })
    expect({ code, stderr }).toEqual({
      code: 130,
      stderr: expect.stringContaining('Run the command again for the rest.'),
    })
    const [, created = ''] = /Stopped: ([\d,]+) users created/.exec(stderr) ?? []
    expect(await count('stop')).toBe(Number(created.replace(',', '')))
    await proxy.close()
  })

  it('the import continues after an outage of the server', async () => {
    const proxy = await LossyProxy.start(issuer)
    const user = cli.another(proxy.origin)
    await user.signIn()
    const file = writeUsers('gone', 2000)
    const running = user.run(['import', 'users', file, '--pool', 'customers', '--yes'])
    while (proxy.requests.length < 27) await new Promise((resolve) => setTimeout(resolve, 1))
    await proxy.close()
    expect(await running).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('The rows that it created stay. Run the command again for the rest.'),
    })
    const there = await count('gone')
    expect(there).toBeLessThan(2000)
    const again = await cli.json('import', 'users', file, '--pool', 'customers', '--yes')
    expect(again).toEqual({
      dry_run: false,
      created: 2000 - there,
      updated: 0,
      exists: there,
      refused: 0,
      passwords: { bcrypt: 2000 - there },
      rows: [],
      warnings: [],
    })
    expect(await count('gone')).toBe(2000)
  }, 120_000)
})

describe('an import of clients', () => {
  it('the import prints each generated secret once, and each secret works', async () => {
    const file = write('clients.csv', [
      'client_id,grants,scopes,confidential,client_secret,enabled,redirect_uris,first_party,logo_uri',
      'machine,client_credentials,cart|orders,t,,t,,,',
      `brought,client_credentials,cart,t,${'brought-secret-'.repeat(3)},t,,,`,
      'page,"password,authorization_code",cart,f,,t,https://shop.example/cb|http://127.0.0.1/cb,yes,NULL',
      'app,"password,implicit",cart,t,,t,,,',
    ])
    const args = ['import', 'clients', file, '--api', 'storefront', '--yes']
    const { code, stdout, stderr } = await cli.run(args)
    expect(code).toBe(1)
    expect(stderr).toContain(
      'line 5: app: grants.1: must be one of password, client_credentials, authorization_code, refresh_token\n',
    )
    const [, secret = ''] = /^machine,(sps_[\w-]{43})\n$/.exec(stdout) ?? []
    for (const [client_id, client_secret] of [
      ['machine', secret],
      ['brought', 'brought-secret-'.repeat(3)],
    ] as const) {
      const form = { grant_type: 'client_credentials', client_id, client_secret }
      const response = await fetch(`${issuer}/oauth2-token`, {
        method: 'POST',
        body: new URLSearchParams(form),
      })
      expect(response.status).toBe(200)
    }
    expect((await cli.run(args)).stdout).toBe('')
    expect(await cli.json('clients', 'show', 'page')).toMatchObject({
      redirect_uris: ['https://shop.example/cb', 'http://127.0.0.1/cb'],
      first_party: true,
      require_pkce: true,
      logo_uri: null,
    })
  })

  it('the import refuses a row with the secret of another client, and imports later rows', async () => {
    const secret = 'shared-secret-'.repeat(3)
    const args = ['--api', 'storefront', '--yes']
    const header = 'client_id,grants,client_secret'
    const first = write('first.csv', [header, `first,client_credentials,${secret}`])
    expect((await cli.run(['import', 'clients', first, ...args])).code).toBe(0)
    const file = write('second.csv', [
      header,
      `second,client_credentials,${secret}`,
      `third,client_credentials,${'another-secret-'.repeat(3)}`,
    ])
    expect(await cli.run(['import', 'clients', file, ...args])).toEqual({
      code: 1,
      stdout: '',
      stderr: `line 2: second: client_secret: another client has or had this secret: each client needs a different secret
Dry run: 1 client to create, 0 already exist, 1 row refused.
Done: 1 client created, 0 already exist, 1 row refused.
sallyport: 1 row was refused.
`,
    })
  })

  it('the import keeps the secrets of a batch after a lost response', async () => {
    const proxy = await LossyProxy.start(issuer)
    const user = cli.another(proxy.origin)
    await user.signIn()
    const file = write('lost.csv', [
      'client_id,grants',
      'lost-1,client_credentials',
      'lost-2,client_credentials',
    ])
    proxy.loseAnswerTo('POST /admin/api/clients/import', { after: 1 })
    const args = ['import', 'clients', file, '--api', 'storefront', '--yes', '--json']
    const { stdout, stderr } = await user.run(args)
    expect(stderr).toContain('No response; the batch is sent again')
    const { created, secrets } = JSON.parse(stdout)
    expect(created).toBe(2)
    for (const { client_id, client_secret } of secrets) {
      const form = { grant_type: 'client_credentials', client_id, client_secret }
      const response = await fetch(`${issuer}/oauth2-token`, {
        method: 'POST',
        body: new URLSearchParams(form),
      })
      expect(response.status).toBe(200)
    }
    await proxy.close()
  })
})
