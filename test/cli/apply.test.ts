import { execFile } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import { untilAudited } from '../support/audit_lag.ts'
import { LossyProxy, OPERATORS, startCli } from '../support/cli.ts'
import { readCodeBlocks } from '../support/code_blocks.ts'
import { requestTokens } from '../support/token_client.ts'

const { cli, issuer } = await startCli()

const SHOP = { api: 'storefront', grants: ['password', 'client_credentials'], scopes: ['cart', 'orders'] }
const PUBLIC = { ...SHOP, grants: ['password'], confidential: false }
const SECRET = String.raw`sps_[\w-]{43}`

/** Writes a file with these clients. */
function write(name: string, clients: object): string {
  const path = join(cli.directory, `${name}.yml`)
  writeFileSync(path, stringify({ clients }))
  return path
}

function apply(file: string, ...options: string[]) {
  return cli.run(['apply', file, '--yes', ...options])
}

async function requestToken(id: string, secret: string): Promise<number> {
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: id, client_secret: secret })
  return (await fetch(`${issuer}/oauth2-token`, { method: 'POST', body })).status
}

/** Starts a session of a guest, and refreshes it, so that the server has a row of it. */
async function startSession(clientId: string): Promise<void> {
  const client = { client_id: clientId }
  const { refresh_token } = await requestTokens(issuer, { ...client, username: 'guest', password: 'guest' })
  const body = new URLSearchParams({ ...client, grant_type: 'refresh_token', refresh_token })
  expect((await fetch(`${issuer}/oauth2-token`, { method: 'POST', body })).status).toBe(200)
  await untilAudited()
}

/** The response to a change that is saved, while KV did not take the copy of the client. */
const COPIES_OLD = {
  status: 503,
  headers: { 'Content-Type': 'application/problem+json', 'Retry-After': '1' },
  body: JSON.stringify({ type: 'urn:problem-type:sallyport:copies-not-renewed', title: 'Old', status: 503 }),
}

describe('apply', () => {
  it('apply creates clients, prints each new secret once, and changes nothing in a second run', async () => {
    const file = write('new', { 'new-a': SHOP, 'new-b': { ...PUBLIC, origins: ['https://shop.example'] } })
    const first = await apply(file)
    expect(first).toMatchObject({ code: 0, stdout: expect.stringMatching(`^new-a,${SECRET}\n$`) })
    const plan = `create new-a
    api: storefront
    grants: [password, client_credentials]
    scopes: [cart, orders]
create new-b
    api: storefront
    grants: [password]
    scopes: [cart, orders]
    origins: [https://shop.example]
    confidential: false
not in the file, left alone: backoffice-demo, `
    expect(first.stderr.startsWith(plan)).toBe(true)
    expect(first.stderr).toMatch(/\nPlan: 2 to create, 0 to change, 0 unchanged, \d+ not in the file\.\n/)
    expect(first.stderr).toMatch(/\nCreated new-a\.\nCreated new-b\.\nDone\.\n$/)
    expect(await requestToken('new-a', first.stdout.trim().split(',')[1] ?? '')).toBe(200)
    expect(await apply(file)).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringMatching(/^unchanged: new-a, new-b\n/),
    })
  })

  it('apply changes only the fields in the file, and shows the old and the new values', async () => {
    const before = { ...PUBLIC, name: 'Before', access_token_lifetime: 900 }
    await apply(write('change', { changed: before }))
    const after = { ...PUBLIC, scopes: ['orders', 'catalog'], access_token_lifetime: null, enabled: false }
    const file = write('change', { changed: after })
    const { code, stderr } = await apply(file)
    const plan = `change changed
    scopes: [cart, orders] → [orders, catalog]
    enabled: true → false
    access_token_lifetime: 900 → null
`
    expect({ code, plan: stderr.startsWith(plan) }).toEqual({ code: 0, plan: true })
    expect(await cli.json('clients', 'show', 'changed')).toMatchObject({ ...after, name: 'Before' })
    await apply(write('change', { changed: { ...after, enabled: true } }))
    expect(await cli.json('clients', 'show', 'changed')).toMatchObject({ enabled: true })
  })

  it('apply asks before each change, and a dry run exits with 7 if the plan has changes', async () => {
    const file = write('dry', { dry: PUBLIC })
    expect(await cli.run(['apply', file])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('sallyport: Create 1 client? Repeat it with --yes.'),
    })
    const dryRun = (...options: string[]) => cli.run(['apply', file, '--dry-run', ...options])
    expect(await dryRun()).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^create dry\n/),
      stderr: '',
    })
    expect(await dryRun('--detailed-exit-code', '--json')).toMatchObject({
      code: 7,
      stderr: 'sallyport: The plan has changes.\n',
    })
    expect(await cli.run(['clients', 'show', 'dry'])).toMatchObject({ code: 4 })
    const applied = await apply(file, '--json')
    const fields = Object.entries(PUBLIC).map(([field, to]) => ({ field, to }))
    expect(JSON.parse(applied.stdout)).toEqual({
      dry_run: false,
      create: [{ client_id: 'dry', fields: expect.arrayContaining(fields) }],
      change: [],
      disable: [],
      unchanged: [],
      not_in_file: expect.arrayContaining(['storefront-demo']),
      secrets: [],
    })
    expect(await dryRun('--detailed-exit-code')).toMatchObject({ code: 0, stderr: '' })
  })

  it('apply reports every client that the server would refuse, and changes none', async () => {
    await apply(write('bad', { fixed: PUBLIC }))
    const file = write('bad', {
      'bad-new': { ...SHOP, scopes: ['cart', 'none'], access_token_lifetime: 1 },
      'bad-rules': { ...SHOP, scopes: ['none'], confidential: false },
      fixed: { ...PUBLIC, api: 'backoffice', scopes: [], confidential: true },
      good: PUBLIC,
    })
    const { code, stderr } = await apply(file)
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `sallyport: ${file} is not valid:
  line 2: clients.bad-new: access_token_lifetime: must be at least 60 seconds; scopes.1: must be a scope of the API storefront
  line 11: clients.bad-rules: scopes.0: must be a scope of the API storefront; grants: must not have client_credentials, because the client is public (RFC 6749 §4.4)
  line 17: clients.fixed.api: cannot change from storefront. Use another client id
  line 17: clients.fixed.confidential: cannot change from false. Use another client id
`,
    })
    expect(await cli.run(['clients', 'show', 'good'])).toMatchObject({ code: 4 })
  })

  it('the file of clients in docs/cli.md is valid', async () => {
    const block = readCodeBlocks('docs/cli.md').find(({ language }) => language === 'yaml')
    const file = join(cli.directory, 'page.yml')
    writeFileSync(file, block?.text ?? '')
    const { code, stdout } = await cli.run(['apply', file, '--dry-run'])
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('\nPlan: 3 to create, ') })
  })

  it('apply repeats a saved change to renew the copies of its client, continues, and exits with 6 if they stay old', async () => {
    const ids = ['copies-a', 'copies-b', 'copies-c']
    await apply(write('copies', Object.fromEntries(ids.map((id) => [id, PUBLIC]))))
    const proxy = await LossyProxy.start(issuer)
    onTestFinished(() => proxy.close())
    proxy.replaceAnswersTo('PATCH /admin/api/clients/copies-a', [COPIES_OLD])
    proxy.replaceAnswersTo('PATCH /admin/api/clients/copies-b', [COPIES_OLD, COPIES_OLD])
    const user = cli.another(proxy.origin)
    await user.signIn()
    const after = { ...PUBLIC, scopes: ['cart'] }
    const file = write('copies', {
      'copies-a': { ...after, enabled: false },
      'copies-b': after,
      'copies-c': after,
    })
    const { code, stderr } = await user.run(['apply', file, '--yes'])
    expect({ code, end: stderr.split('\n').slice(-5) }).toEqual({
      code: 6,
      end: [
        'Changed copies-a: 0 sessions ended.',
        'Changed copies-b, but its copies are old.',
        'Changed copies-c.',
        'sallyport: Every change is saved, but KV did not take the copies of copies-b: refreshes use the change, other requests ' +
          'for tokens use it within 5 s, and preflights within an hour. Another change of the client renews its copies sooner.',
        '',
      ],
    })
    const patched = proxy.requests.filter((operation) => operation.startsWith('PATCH '))
    expect(patched).toEqual(['a', 'a', 'b', 'b', 'c'].map((id) => `PATCH /admin/api/clients/copies-${id}`))
    expect(await cli.run(['apply', file, '--dry-run', '--detailed-exit-code'])).toMatchObject({ code: 0 })
  })

  it('two applies at once do not overwrite each other', async () => {
    await apply(write('race', { race: PUBLIC, 'race-other': PUBLIC }))
    const proxy = await LossyProxy.start(issuer)
    proxy.delayMs = 1500
    const changes = { race: { ...PUBLIC, scopes: ['cart'] }, 'race-other': { ...PUBLIC, scopes: ['cart'] } }
    const file = write('race', changes)
    const slow = cli.run(['apply', file, '--yes', '--server', proxy.origin], {
      env: await asServiceAccount('race-ci', ['clients:read', 'clients:write']),
    })
    await expect
      .poll(() => proxy.requests, { timeout: 20_000 })
      .toContain('GET /admin/api/clients/race-other')
    await cli.run(['clients', 'update', 'race-other', '--scopes', 'orders'])
    proxy.delayMs = 0
    const { code, stderr } = await slow
    await proxy.close()
    expect(code).toBe(5)
    expect(stderr).toContain(`Changed race.
Stopped at race-other, after 1 of 2 changes. Run the command again for the rest.
sallyport: race-other has changed since the plan was made.
`)
    expect(await cli.json('clients', 'show', 'race-other')).toMatchObject({ scopes: ['orders'] })
  })

  it('--prune disables the other clients, except those of the admin API', async () => {
    const { clients } = (await cli.json('export')) as { clients: Record<string, object> }
    await apply(write('prune', { 'prune-me': PUBLIC }))
    await startSession('prune-me')
    const { 'sallyport-cli': _cli, 'sallyport-console': _console, ...kept } = clients
    const file = write('prune', kept)
    expect(await cli.run(['apply', file, '--prune'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(
        'Disable 1 client that the file does not have, and revoke every token of them: prune-me (ends 1 session)? Repeat it',
      ),
    })
    expect(await apply(file, '--prune')).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(
        /^disable, not in the file: prune-me\n {4}enabled: true → false\n {4}ends 1 session\nunchanged: .+\nnot in the file, left alone: .*sallyport-cli, sallyport-console.*\n[\s\S]*\nDisabled prune-me: 1 session ended\.\n/,
      ),
    })
    expect(await cli.json('clients', 'show', 'prune-me')).toMatchObject({ enabled: false })
    expect(await apply(file, '--prune')).toMatchObject({
      code: 0,
      stderr: expect.not.stringContaining('disable'),
    })
  })
})

describe('the secrets of new clients', () => {
  it('--secrets-file writes them to a new file of mode 0600, and never replaces a file', async () => {
    const file = write('kept', { 'kept-a': SHOP, 'kept-b': SHOP })
    const path = join(cli.directory, 'secrets.csv')
    expect(await apply(file, '--secrets-file', path)).toMatchObject({ code: 0, stdout: '' })
    const written = readFileSync(path, 'utf8')
    expect(written).toMatch(new RegExp(`^kept-a,${SECRET}\nkept-b,${SECRET}\n$`))
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const more = write('more', { 'kept-c': SHOP })
    expect(await apply(more, '--secrets-file', path)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`${path} exists already. Choose a new file`),
    })
    expect(readFileSync(path, 'utf8')).toBe(written)
    expect(await cli.run(['clients', 'show', 'kept-c'])).toMatchObject({ code: 4 })
    const unused = join(cli.directory, 'unused.csv')
    expect(await apply(file, '--secrets-file', unused)).toMatchObject({ code: 0 })
    expect(existsSync(unused)).toBe(false)
  })

  it.each([
    ['standard output', [], 'Standard output failed with ENOSPC'],
    ['standard output with --json', ['--json'], 'Standard output failed with ENOSPC'],
  ])('a full disk names the lost secret: %s', async (_, options, problem) => {
    const [one, two] = [`full${options.length}-a`, `full${options.length}-b`]
    const stdout = openSync('/dev/full', 'w')
    const file = write('full', { [one]: SHOP, [two]: SHOP })
    const ended = await cli.run(['apply', file, '--yes', ...options], { stdout })
    closeSync(stdout)
    expect(ended).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`sallyport: ${problem}. The new`),
    })
    const lost = [...ended.stderr.matchAll(/Retire it with "clients retire-secret (\S+) (\S+)"/g)]
    expect(lost.map(([, id]) => id)).toEqual(options.length === 0 ? [one] : [one, two])
    for (const [, id = '', secretId = ''] of lost) {
      expect(await cli.run(['clients', 'retire-secret', id, secretId, '--yes'])).toMatchObject({ code: 0 })
    }
  })

  it('a secrets file that cannot grow names the lost secret', async () => {
    const path = join(cli.directory, 'small.csv')
    const args = ['apply', write('small', { small: SHOP }), '--yes', '--secrets-file', path]
    const env = { ...process.env, SALLYPORT_CONFIG_DIR: cli.configDirectory, SALLYPORT_SERVER: issuer }
    const stderr = await new Promise<string>((resolve) => {
      const limited = ['-c', 'ulimit -f 0; exec "$0" "$@"', process.execPath, cli.file, ...args]
      execFile('bash', limited, { env }, (_error, _stdout, text) => resolve(text))
    })
    expect(stderr).toMatch(/small\.csv: EFBIG.+ The new secret \S+ of small is lost\. Retire it with/)
  })

  it('a lost response loses no secret', async () => {
    const proxy = await LossyProxy.start(issuer)
    proxy.loseAnswerTo('POST /admin/api/clients')
    const user = cli.another(proxy.origin)
    await user.signIn()
    const { code, stdout } = await user.run(['apply', write('lossy', { lossy: SHOP }), '--yes'])
    await proxy.close()
    expect(code).toBe(0)
    expect(await requestToken('lossy', stdout.trim().split(',')[1] ?? '')).toBe(200)
  })
})

/** Creates a service account with a file, and returns the environment that uses it. */
async function asServiceAccount(id: string, scopes: string[]) {
  const file = write(id, { [id]: { api: 'admin', grants: ['client_credentials'], scopes } })
  const { stdout, stderr } = await cli.run(['apply', file, '--yes'], { stdin: OPERATORS.operator })
  const secret = stdout.trim().split(',')[1]
  if (secret === undefined) throw new Error(stderr)
  return { SALLYPORT_CLIENT_ID: id, SALLYPORT_CLIENT_SECRET: secret, SALLYPORT_CONFIG_DIR: '/nonexistent' }
}

describe('a service account', () => {
  it('a service account applies and exports clients, but no clients of the admin API', async () => {
    const env = await asServiceAccount('ci', ['clients:read', 'clients:write'])
    const run = (...args: string[]) => cli.run(args, { env })
    expect(await run('apply', write('ci-shop', { 'ci-shop': SHOP }), '--yes')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^ci-shop,sps_/),
    })
    expect(await run('clients', 'disable', 'ci-shop')).toMatchObject({
      code: 0,
      stderr: 'Disabled the client ci-shop: its sessions ended.\n',
    })
    expect(await run('clients', 'delete', 'ci-shop', '--yes')).toMatchObject({ code: 0 })
    const exported = join(cli.directory, 'exported.yml')
    expect(await run('export', '--output', exported)).toMatchObject({ code: 0, stdout: '' })
    expect(await run('apply', exported, '--dry-run', '--detailed-exit-code')).toMatchObject({ code: 0 })
    const account = { api: 'admin', grants: ['client_credentials'], scopes: ['users:read'] }
    expect(await run('apply', write('power', { 'ci-2': account, 'ci-3': SHOP }), '--yes')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(
        'line 2: clients.ci-2: api: A change of a client of the admin API is allowed only for operators.\n',
      ),
    })
    expect(await run('clients', 'show', 'ci-3')).toMatchObject({ code: 4 })
    expect(await run('users', 'list')).toMatchObject({ code: 1, stdout: '' })
  })

  it('the credentials must be complete, correct and for an explicit server', async () => {
    const env = { SALLYPORT_CLIENT_ID: 'ci', SALLYPORT_CLIENT_SECRET: 'wrong' }
    const list = (extra: object) => cli.run(['clients', 'list'], { env: { ...env, ...extra } })
    expect(await list({})).toEqual({
      code: 3,
      stdout: '',
      stderr: `sallyport: ${issuer} refused the service account ci: Client authentication failed. Check SALLYPORT_CLIENT_ID and SALLYPORT_CLIENT_SECRET.\n`,
    })
    expect(await list({ SALLYPORT_CLIENT_SECRET: '' })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(
        'SALLYPORT_CLIENT_ID and SALLYPORT_CLIENT_SECRET are required together',
      ),
    })
    expect(await list({ SALLYPORT_SERVER: '' })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('SALLYPORT_CLIENT_ID needs --server or SALLYPORT_SERVER'),
    })
    expect(await cli.run(['whoami'], { env })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('"whoami" is for operators: unset SALLYPORT_CLIENT_ID'),
    })
  })
})

describe('export', () => {
  it('an apply of the exported file has no changes, for any clients', async () => {
    const scopes = fc.uniqueArray(fc.constantFrom('cart', 'orders', 'catalog'))
    const fields = fc.record({
      name: fc.constantFrom('null', '1e3', '# a', 'a: b', '🛒'),
      api: fc.constant('storefront'),
      grants: fc.constant(['password']),
      scopes,
      origins: fc.uniqueArray(fc.nat(9).map((n) => `https://shop${n}.example`)),
      confidential: fc.constant(false),
      enabled: fc.boolean(),
      access_token_lifetime: fc.option(fc.integer({ min: 60, max: 86_400 })),
    })
    const ids = ['__proto__', 'true', '1.0', 'constructor', '-x', 'random-1', 'random-2', '2026-11-25']
    const sampled = fc.sample(fields, ids.length)
    await apply(write('random', new Map(ids.map((id, i) => [id, sampled[i]]))))
    const { code, stdout } = await cli.run(['export', '--output', '-'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^# The clients of a token service, by id\. The file has no secrets\.\nclients:\n/)
    expect(stdout).not.toMatch(/secret:|sps_/)
    const file = join(cli.directory, 'random-export.yml')
    writeFileSync(file, stdout)
    const plan = await cli.run(['apply', file, '--dry-run', '--detailed-exit-code', '--prune'])
    expect(plan).toMatchObject({ code: 0, stdout: expect.stringContaining('unchanged: -x, ') })
    for (const id of ids) expect(plan.stdout).toContain(id)
  })
})
