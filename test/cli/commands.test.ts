import type { ChildProcess } from 'node:child_process'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { COMMANDS } from '../../packages/cli/src/commands.ts'
import { LEAD_LIMITS } from '../../src/keys/key_schedule.ts'
import { untilAudited } from '../support/audit_lag.ts'
import { LossyProxy, OPERATORS, startCli } from '../support/cli.ts'
import { requestTokens, signIn } from '../support/token_client.ts'

// These tests run the built command as a child process against the real Worker with the demo data.

const { cli, issuer } = await startCli()
const support = cli.another()
await support.signIn('support')

/** The members of a JSON list. */
async function list(...args: string[]): Promise<Record<string, unknown>[]> {
  return (await cli.json(...args)).items as Record<string, unknown>[]
}

async function refresh(token: string): Promise<Response> {
  const form = { grant_type: 'refresh_token', refresh_token: token }
  const client = { client_id: 'storefront-demo', client_secret: 'storefront-demo-secret' }
  return fetch(`${issuer}/oauth2-token`, {
    method: 'POST',
    body: new URLSearchParams({ ...form, ...client }),
  })
}

/** The failed sign-ins that lock an account, in config.yml. */
const FAILURES_TO_LOCK = 10
/** The options of a client for machine tokens. */
const MACHINE = ['--api', 'storefront', '--grants', 'client_credentials', '--scopes', 'cart,orders']

/** @param printed The secret as the command line prints it. @returns the status of the response */
async function requestMachineToken(id: string, printed: string): Promise<number> {
  const form = { grant_type: 'client_credentials', client_id: id, client_secret: printed.trim() }
  return (await fetch(`${issuer}/oauth2-token`, { method: 'POST', body: new URLSearchParams(form) })).status
}

describe('clients', () => {
  it('clients create prints only the secret on stdout, and the secret works', async () => {
    const { code, stdout, stderr } = await cli.run([
      'clients',
      'create',
      'shop-a',
      ...MACHINE,
      '--name',
      'A shop',
    ])
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^sps_[\w-]{43}\n$/) })
    expect(stderr).toBe(`Created the client shop-a. The secret cannot be shown again.
client id  shop-a
token URL  ${issuer}/oauth2-token
`)
    expect(await requestMachineToken('shop-a', stdout)).toBe(200)
  })

  it('clients create --public prints that the client has no secret', async () => {
    const args = ['--public', '--api', 'storefront', '--grants', 'password']
    expect(await cli.run(['clients', 'create', 'shop-web', ...args])).toEqual({
      code: 0,
      stdout: '',
      stderr: `Created the client shop-web. It is public and has no secret.
client id  shop-web
token URL  ${issuer}/oauth2-token
`,
    })
  })

  it('clients create warns of a browser client without scopes', async () => {
    const args = ['--public', '--api', 'storefront', '--grants', 'authorization_code']
    const create = (id: string, ...more: string[]) =>
      cli.run(['clients', 'create', id, ...args, '--redirect-uris', 'https://shop.example/callback', ...more])
    expect(
      (await create('shop-page')).stderr,
    ).toBe(`Created the client shop-page. It is public and has no secret.
client id  shop-page
token URL  ${issuer}/oauth2-token
It has no scopes, so an API that checks scopes refuses its tokens. Add them with "clients update shop-page --scopes SCOPE,SCOPE".
`)
    expect((await create('shop-cart', '--scopes', 'cart')).stderr).not.toContain('no scopes')
    expect(await create('shop-json', '--json')).toMatchObject({
      stdout: expect.stringContaining('"client_id": "shop-json"'),
      stderr: expect.stringContaining('It has no scopes'),
    })
  })

  it('a lost response neither loses a secret nor creates a second one', async () => {
    const proxy = await LossyProxy.start(issuer)
    onTestFinished(() => proxy.close())
    proxy.loseAnswerTo('POST /admin/api/clients')
    proxy.loseAnswerTo('POST /admin/api/clients/shop-lost/secrets')
    const user = cli.another(proxy.origin)
    await user.signIn()
    const created = await user.run(['clients', 'create', 'shop-lost', ...MACHINE])
    const added = await user.run(['clients', 'add-secret', 'shop-lost'])
    expect(created).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^No response\. Retrying …\nCreated/),
    })
    expect(added).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(
        /^No response\. Retrying …\nAdded the secret \S+ to the client shop-lost: it has 2 secrets\. /,
      ),
    })
    for (const { stdout } of [created, added])
      expect(await requestMachineToken('shop-lost', stdout)).toBe(200)
    const events = await list('audit', '--client', 'shop-lost', '--kind', 'admin')
    expect(events.map(({ reason }) => reason)).toEqual(['a secret was added', 'the client was created'])
  })

  it('--json prints the response of the admin API, including the secret', async () => {
    const args = ['--api', 'storefront', '--grants', 'password', '--scopes', 'cart']
    const created = await cli.json('clients', 'create', 'shop-b', ...args)
    expect(created).toMatchObject({ client_id: 'shop-b', client_secret: expect.stringMatching(/^sps_/) })
    const { client_secret: _secret, ...shown } = created
    expect(await cli.json('clients', 'show', 'shop-b')).toEqual(shown)
  })

  describe('a secret that cannot be written', () => {
    const closedPipe = { onStart: (child: ChildProcess) => void child.stdout?.destroy() }

    /** Runs a command whose standard output is full. */
    async function runFull(...args: string[]) {
      const stdout = openSync('/dev/full', 'w')
      try {
        return await cli.run(args, { stdout })
      } finally {
        closeSync(stdout)
      }
    }

    it.each([
      ['a closed pipe', 'EPIPE', (...args: string[]) => cli.run(args, closedPipe)],
      ['a full disk', 'ENOSPC', runFull],
    ] as const)('a lost secret is an error that names the secret: %s', async (_, code, run) => {
      const id = `lost-${code.toLowerCase()}`
      for (const args of [
        ['create', id, ...MACHINE],
        ['add-secret', id],
        ['add-secret', id, '--json'],
      ]) {
        const ended = await run('clients', ...args)
        const [, secretId = '', advice = ''] =
          /The new secret (\S+) of \S+ is lost\. (.+)\n$/.exec(ended.stderr) ?? []
        expect(ended).toMatchObject({
          code: 1,
          stderr: expect.stringMatching(`^sallyport: Standard output failed with ${code}`),
        })
        expect(advice).toBe(
          `Retire it with "clients retire-secret ${id} ${secretId}", then add another one with "clients add-secret ${id}".`,
        )
        expect(await cli.run(['clients', 'retire-secret', id, secretId, '--yes'])).toMatchObject({ code: 0 })
      }
    })

    it.each([[[]], [['--json']]])(
      'an import names the clients whose secrets are lost: %j',
      async (options) => {
        const file = join(cli.directory, 'lost.csv')
        const ids = Array.from({ length: 3 }, (_, i) => `gone${options.length}-${i}`)
        writeFileSync(file, ['client_id,grants', ...ids.map((id) => `${id},client_credentials`)].join('\n'))
        const ended = await runFull('import', 'clients', file, '--api', 'storefront', '--yes', ...options)
        expect(ended).toMatchObject({
          code: 1,
          stderr: expect.stringContaining(
            `The new secrets of these clients are lost: ${ids.join(', ')}. Delete the clients`,
          ),
        })
      },
    )

    it('a result on a full disk is an error without a stack trace, and a closed pipe is none', async () => {
      expect(await runFull('clients', 'list')).toEqual({
        code: 1,
        stdout: '',
        stderr: 'sallyport: The output is incomplete: standard output failed with ENOSPC.\n',
      })
      expect(await cli.run(['clients', 'list'], closedPipe)).toEqual({ code: 0, stdout: '', stderr: '' })
    })
  })

  it('clients list prints a table', async () => {
    const { code, stdout, stderr } = await cli.run(['clients', 'list', '--search', 'storefront-'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const [title, ...rows] = stdout.trimEnd().split('\n')
    expect(title).toMatch(/^Client {13}Name {22}API {9}Grants/)
    expect(rows.map((row) => row.split(/ {2,}/)[0])).toEqual([
      'storefront-demo',
      'storefront-mobile',
      'storefront-public',
    ])
  })

  it('clients list prints up to --limit clients, or every page with --all', async () => {
    expect(await list('clients', 'list', '--limit', '2')).toHaveLength(2)
    const { items, next_cursor } = await cli.json('clients', 'list', '--all')
    expect([(items as unknown[]).length > 5, next_cursor]).toEqual([true, null])
    const { stderr } = await cli.run(['clients', 'list', '--limit', '1'])
    expect(stderr).toBe('There are more results: use --all or a higher --limit.\n')
  })

  it('a client accepts two secrets until the operator retires one', async () => {
    const secret = (await cli.run(['clients', 'add-secret', 'backoffice-demo'])).stdout
    expect(secret).toMatch(/^sps_/)
    const { secrets } = (await cli.json('clients', 'show', 'backoffice-demo')) as {
      secrets: { secret_id: string }[]
    }
    expect(secrets).toHaveLength(2)
    const retire = ['clients', 'retire-secret', 'backoffice-demo', secrets[0]?.secret_id ?? '']
    expect(await cli.run(retire)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Repeat it with --yes'),
    })
    expect(await cli.run(['clients', 'enable', 'backoffice-demo'])).toMatchObject({
      code: 0,
      stderr: 'The client backoffice-demo is already enabled.\n',
    })
    expect((await cli.run([...retire, '--yes'])).code).toBe(0)
    expect(await cli.run([...retire, '--yes'])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('already ended'),
    })
  })

  it('clients update refuses a change if the client has changed in the meantime', async () => {
    await cli.run(['clients', 'create', 'shop-c', '--api', 'storefront', '--grants', 'password'])
    const version = /Version ("\d+")/.exec((await cli.run(['clients', 'show', 'shop-c'])).stderr)?.[1] ?? ''
    const update = ['clients', 'update', 'shop-c', '--if-match', version]
    expect((await cli.run([...update, '--scopes', 'cart'])).code).toBe(0)
    const stale = await cli.run([...update, '--scopes', 'orders'])
    expect(stale).toEqual({
      code: 5,
      stdout: '',
      stderr:
        'sallyport: The record was changed after you read it. Read the record again before you repeat the change.\nNothing was changed.\n',
    })
    expect(await cli.json('clients', 'show', 'shop-c')).toMatchObject({ scopes: ['cart'] })
    expect(await cli.run(['clients', 'update', 'shop-c'])).toMatchObject({ code: 2 })
  })

  it('clients update --clear resets a field to its default', async () => {
    await cli.run(['clients', 'create', 'shop-f', '--api', 'storefront', '--grants', 'password'])
    const update = ['clients', 'update', 'shop-f']
    expect((await cli.run([...update, '--access-token-lifetime', '600'])).code).toBe(0)
    const both = ['--refresh-token-lifetime', '900', '--clear', 'access-token-lifetime']
    expect((await cli.run([...update, ...both])).code).toBe(0)
    expect(await cli.json('clients', 'show', 'shop-f')).toMatchObject({
      access_token_lifetime: null,
      refresh_token_lifetime: 900,
    })
    const twice = ['--refresh-token-lifetime', '900', '--clear', 'refresh-token-lifetime']
    expect((await cli.run([...update, ...twice])).stderr).toContain(
      '--refresh-token-lifetime and --clear cannot be used together',
    )
  })

  it('the settings of sign-ins by browser are options, and --clear resets a link', async () => {
    const args = ['--api', 'storefront', '--grants', 'authorization_code,refresh_token', '--public']
    const uris = ['--redirect-uris', 'https://shop.example/callback,http://127.0.0.1/callback']
    const links = [
      '--first-party',
      'true',
      '--logo-uri',
      '/logos/shop.svg',
      '--tos-uri',
      'https://shop.example/t',
    ]
    expect((await cli.run(['clients', 'create', 'shop-g', ...args, ...uris, ...links])).code).toBe(0)
    const update = ['clients', 'update', 'shop-g', '--id-token-signed-response-alg', 'ES256']
    expect((await cli.run([...update, '--clear', 'logo-uri'])).code).toBe(0)
    expect(await cli.json('clients', 'show', 'shop-g')).toMatchObject({
      redirect_uris: ['https://shop.example/callback', 'http://127.0.0.1/callback'],
      first_party: true,
      require_pkce: true,
      id_token_signed_response_alg: 'ES256',
      logo_uri: null,
      tos_uri: 'https://shop.example/t',
    })
    const logo = 'data:image/png;base64,iVBORw0KGgo='
    expect((await cli.run(['clients', 'update', 'shop-g', '--logo-uri', logo])).code).toBe(0)
    const shown = (await cli.run(['clients', 'show', 'shop-g'])).stdout
    expect(shown).toMatch(/^logo +data:image\/png \(12 characters in base64\)$/m)
  })

  it('the refusal of a client names each invalid path', async () => {
    const args = ['--api', 'storefront', '--grants', 'password', '--scopes', 'cart,nope,none']
    expect(await cli.run(['clients', 'create', 'shop-d', ...args])).toEqual({
      code: 1,
      stdout: '',
      stderr: `sallyport: The content is not valid.
  scopes.1: must be a scope of the API storefront
  scopes.2: must be a scope of the API storefront
`,
    })
    expect(
      (await cli.run(['clients', 'create', 'shop-a', '--api', 'storefront', '--grants', 'password'])).code,
    ).toBe(5)
  })

  it('clients delete needs a confirmation and removes the client', async () => {
    await cli.run(['clients', 'create', 'shop-e', '--api', 'storefront', '--grants', 'password', '--public'])
    expect(await cli.run(['clients', 'delete', 'shop-e'])).toMatchObject({ code: 2, stdout: '' })
    expect((await cli.run(['clients', 'delete', 'shop-e', '--yes'])).code).toBe(0)
    expect((await cli.run(['clients', 'show', 'shop-e'])).code).toBe(4)
  })

  it('the commands ask for the own password to let a client sign in operators, to change its redirect URIs and to enable it', async () => {
    const first = ['--first-party', 'true', '--redirect-uris', 'https://a.example/callback']
    const create = [
      'create',
      'desk',
      '--public',
      '--api',
      'admin',
      '--grants',
      'authorization_code',
      ...first,
    ]
    const file = join(cli.directory, 'desk.jsonl')
    writeFileSync(
      file,
      `{"client_id":"desk-2","api":"admin","confidential":false,"grants":["authorization_code"],"first_party":true,"redirect_uris":["https://a.example/callback"]}\n`,
    )
    const moved = join(cli.directory, 'desk.yml')
    writeFileSync(
      moved,
      'clients:\n  desk-2: { api: admin, grants: [authorization_code], first_party: true, redirect_uris: [https://c.example/callback] }\n',
    )
    const commands = [
      ['clients', ...create],
      ['clients', 'update', 'desk', '--redirect-uris', 'https://b.example/callback'],
      ['clients', 'enable', 'desk'],
      ['import', 'clients', file, '--yes'],
      ['apply', moved, '--yes'],
    ]
    for (const command of commands) {
      const wrong = await cli.run(command, { stdin: 'mistyped' })
      expect([command, wrong.code, wrong.stderr]).toEqual([
        command,
        1,
        expect.stringContaining('Your own password is wrong'),
      ])
      expect(await cli.run(command, { stdin: OPERATORS.operator })).toMatchObject({ code: 0 })
    }
    expect(await cli.json('clients', 'show', 'desk')).toMatchObject({
      enabled: true,
      redirect_uris: ['https://b.example/callback'],
    })
    expect(await cli.json('clients', 'show', 'desk-2')).toMatchObject({
      redirect_uris: ['https://c.example/callback'],
    })
    // An edit of another field asks for no password.
    expect(await cli.run(['clients', 'update', 'desk', '--name', 'Desk'])).toMatchObject({ code: 0 })
  })

  it('an operator cannot disable the client of the current session', async () => {
    expect(await cli.run(['clients', 'disable', 'sallyport-cli'])).toMatchObject({ code: 5 })
  })
})

describe('users', () => {
  it('users create reads the password from stdin, and users show finds the username', async () => {
    const args = [
      '--pool',
      'customers',
      '--roles',
      'buyer,vip',
      '--name',
      'Ann Lee',
      '--given-name',
      'Ann',
      '--locale',
      'de_CH',
    ]
    const created = await cli.run(['users', 'create', 'Ann@Example.com', ...args], {
      stdin: 'a long passphrase\n',
    })
    expect(created.code).toBe(0)
    expect(created.stdout + created.stderr).not.toContain('passphrase')
    expect(await cli.json('users', 'show', 'ANN@example.com')).toMatchObject({
      username: 'ann@example.com',
      roles: ['buyer', 'vip'],
      profile: { name: 'Ann Lee', given_name: 'Ann', locale: 'de-CH' },
      email_verified: false,
    })
    expect((await cli.run(['users', 'show', 'ann@example'])).code).toBe(4)
  })

  it('check-names lists only the users with confusable names, with the reason', async () => {
    const stdin = 'a long passphrase\n'
    const name = 'j\u0430ne@example.com'
    const created = await cli.run(['users', 'create', name, '--pool', 'customers'], { stdin })
    expect(created.code).toBe(0)
    const found = await list('users', 'check-names', '--pool', 'customers')
    expect(found).toMatchObject([{ username: name, username_warnings: ['mixes Latin and Cyrillic letters'] }])
    const { code, stdout } = await cli.run(['users', 'check-names'])
    expect([code, stdout]).toEqual([0, expect.stringContaining('mixes Latin and Cyrillic letters')])
    expect((await cli.run(['users', 'delete', name, '--yes'])).code).toBe(0)
    const none = await cli.run(['users', 'check-names'])
    expect(none).toEqual({ code: 0, stdout: '', stderr: 'No confusable names.\n' })
    const unknown = await cli.run(['users', 'list', '--search', 'no-such-user'])
    expect(unknown).toEqual({ code: 0, stdout: '', stderr: 'No results.\n' })
  })

  it('users create refuses a username with an invisible character, and names the character', async () => {
    const args = ['users', 'create', 'ann\u200b@example.com', '--pool', 'customers']
    const { code, stderr } = await cli.run(args, { stdin: 'a long passphrase\n' })
    expect([code, stderr]).toEqual([1, expect.stringContaining('has the invisible character U+200B')])
  })

  it('users create refuses a password hash in place of the password', async () => {
    const stdin = '$2y$04$CwTycUXWue0Thq9StjUM0uJ8GfKVnJzFBbqxCzyEsGBIPvTEyXqCi\n'
    expect(
      await cli.run(['users', 'create', 'hash@example.com', '--pool', 'customers'], { stdin }),
    ).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(
        'the password is a password hash (bcrypt): "import users" imports hashes',
      ),
    })
  })

  it('users list refuses a pool that config.yml does not have, and names the pools', async () => {
    expect(await cli.run(['users', 'list', '--pool', 'nope'])).toMatchObject({
      code: expect.any(Number),
      stdout: '',
      stderr: expect.stringContaining('pool: must be one of customers, staff, operators'),
    })
  })

  it('users create needs a password and never reads it from the command line', async () => {
    expect(await cli.run(['users', 'create', 'bob', '--pool', 'customers'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('give it on a line of standard input'),
    })
  })

  it('set-password refuses a password that is too short, and prints the reason', async () => {
    const short = await cli.run(['users', 'set-password', 'ann@example.com'], {
      stdin: `seventy\n${OPERATORS.operator}\n`,
    })
    expect(short).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining(
        'password: the password is too short: it must have at least 8 characters',
      ),
    })
  })

  it('users update keeps the other fields and the rest of the profile', async () => {
    const update = ['users', 'update', 'ann@example.com']
    expect((await cli.run([...update, '--email', 'ann@work.test'])).code).toBe(0)
    expect((await cli.run([...update, '--name', '', '--family-name', 'Lee', '--roles', ''])).code).toBe(0)
    expect(await cli.json('users', 'show', 'ann@example.com')).toMatchObject({
      roles: [],
      profile: { email: 'ann@work.test', given_name: 'Ann', family_name: 'Lee', locale: 'de-CH' },
    })
    const columns = 'given-name,family-name,locale,email,email-verified'
    const listed = await cli.run(['users', 'list', '--search', 'ann@work', '--columns', columns, '--csv'])
    expect(listed.stdout).toBe(`${columns}\r\nAnn,Lee,de-CH,ann@work.test,no\r\n`)
  })

  it('an operator can disable a user, enable a user and require a password change', async () => {
    expect((await support.run(['users', 'disable', 'ann@example.com'])).code).toBe(0)
    expect(await support.run(['users', 'enable', 'ann@example.com'])).toMatchObject({ code: 1, stdout: '' })
    expect((await cli.run(['users', 'enable', 'ann@example.com'])).code).toBe(0)
    expect((await cli.run(['users', 'require-password-change', 'ann@example.com'])).code).toBe(0)
    expect(await cli.json('users', 'show', 'ann@example.com')).toMatchObject({ must_change_password: true })
    const setPassword = ['users', 'set-password', 'ann@example.com']
    expect(await cli.run(setPassword, { stdin: 'another one\n' })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Your own password: give it on a line of standard input'),
    })
    expect(await cli.run(setPassword, { stdin: 'another one\na wrong one\n' })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Your own password is wrong'),
    })
    const stdin = `another one\n${OPERATORS.operator}\n`
    expect((await cli.run(setPassword, { stdin })).code).toBe(0)
    expect((await cli.run(['users', 'delete', 'ann@example.com', '--yes'])).code).toBe(0)
    expect((await cli.run(['users', 'show', 'ann@example.com'])).code).toBe(4)
  })

  it('an action prints one sentence with the number of ended sessions', async () => {
    const username = 'sentence@example.com'
    const password = 'a long passphrase'
    const create = ['users', 'create', username, '--pool', 'customers']
    expect(await cli.run(create, { stdin: `${password}\n` })).toEqual({
      code: 0,
      stdout: '',
      stderr: expect.stringMatching(
        /^Created the user sentence@example\.com \(user:\S+\) in the pool customers\.\n$/,
      ),
    })
    const client = { client_id: 'storefront-demo', client_secret: 'storefront-demo-secret' }
    for (let i = 0; i < 2; i++) {
      const { refresh_token } = await requestTokens(issuer, { ...client, username, password })
      expect((await refresh(refresh_token)).status).toBe(200)
    }
    await untilAudited()
    const sentences = {
      'sign-out': `Signed out ${username}: 2 sessions ended.\n`,
      'require-password-change': `Required a password change of ${username}.\n`,
      unlock: `${username} was not locked. Nothing was changed.\n`,
      disable: `Disabled ${username}: 0 sessions ended.\n`,
      enable: `Enabled ${username}.\n`,
    }
    for (const [action, stderr] of Object.entries(sentences)) {
      expect(await cli.run(['users', action, username])).toEqual({ code: 0, stdout: '', stderr })
    }
    const repeated = {
      'require-password-change': `A password change of ${username} is already required.\n`,
      enable: `${username} is already enabled.\n`,
    }
    for (const [action, stderr] of Object.entries(repeated)) {
      expect(await cli.run(['users', action, username])).toEqual({ code: 0, stdout: '', stderr })
    }
    const guess = { grant_type: 'password', ...client, username, password: 'a wrong passphrase' }
    for (let i = 0; i < FAILURES_TO_LOCK; i++)
      await fetch(`${issuer}/oauth2-token`, { method: 'POST', body: new URLSearchParams(guess) })
    expect((await cli.run(['why', username])).stderr).toMatch(
      /^The account is locked until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d: "users unlock" unlocks it\.\n/,
    )
    expect((await cli.run(['users', 'unlock', username])).stderr).toBe(`Unlocked ${username}.\n`)
    expect(await cli.run(['users', 'delete', username, '--yes'])).toEqual({
      code: 0,
      stdout: '',
      stderr: `Deleted ${username} of the pool customers: 0 sessions ended.\n`,
    })
  })

  it('users invite needs --email and creates a user, and a password reset to an address that is not verified needs the own password', async () => {
    const username = 'invited@example.com'
    const invite = ['users', 'invite', username, '--pool', 'customers']
    expect((await cli.run(['users', 'invite', '--help'])).stdout).toMatch(
      /--email EMAIL +The address for the invitation \(required\)\n/,
    )
    for (const [given, reason] of [
      [[], 'a value is missing: --email: '],
      [['--email', ''], '--email must not be empty'],
    ] as const)
      expect(await cli.run([...invite, ...given])).toEqual({
        code: 2,
        stdout: '',
        stderr: expect.stringContaining(reason),
      })
    expect(await cli.run([...invite, '--email', username])).toEqual({
      code: 0,
      stdout: '',
      stderr: expect.stringMatching(/^Invited invited@example\.com \(user:\S+\) in the pool customers\.\n$/),
    })
    const reset = ['users', 'send-password-reset', username]
    expect(await cli.run(reset)).toMatchObject({ code: 2, stdout: '' })
    expect(await cli.run(reset, { stdin: `${OPERATORS.operator}\n` })).toEqual({
      code: 0,
      stdout: '',
      stderr: `Sent a password reset to ${username}.\n`,
    })
  })

  it('users factors lists no factor of a new user, and users remove-factor removes nothing', async () => {
    const username = 'factorless@example.com'
    await cli.run(['users', 'create', username, '--pool', 'customers'], { stdin: 'a long passphrase\n' })
    expect(await cli.json('users', 'factors', username)).toEqual({ items: [], next_cursor: null })
    const remove = ['users', 'remove-factor', username]
    expect(await cli.run([...remove, 'totp'])).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining(
        `Remove the factor totp of ${username} and end 0 sessions? Repeat it with --yes.`,
      ),
    })
    for (const factor of ['totp', 'all']) {
      expect(await cli.run([...remove, factor, '--yes'])).toMatchObject({
        code: 4,
        stderr: expect.stringContaining('The factor does not exist.'),
      })
    }
  })

  it('users export prints the stored data, and users erase needs the username and prints the number of ended sessions', async () => {
    const [username, password] = ['erased@example.com', 'a long passphrase']
    await cli.run(['users', 'create', username, '--pool', 'customers'], { stdin: `${password}\n` })
    const client = { client_id: 'storefront-demo', client_secret: 'storefront-demo-secret' }
    const { refresh_token } = await requestTokens(issuer, { ...client, username, password })
    expect((await refresh(refresh_token)).status).toBe(200)
    await untilAudited()
    const stdin = `${OPERATORS.operator}\n`
    const exported = await cli.run(['users', 'export', username], { stdin })
    expect(exported).toMatchObject({ code: 0, stderr: '' })
    expect(exported.stdout).not.toContain('$argon2id$')
    const { user, sessions, events, next_cursor } = JSON.parse(exported.stdout)
    expect({ user, sessions, next_cursor }).toMatchObject({
      user: { username, pool: 'customers' },
      sessions: [{ client_id: 'storefront-demo', state: 'live' }],
      next_cursor: null,
    })
    expect(events.map(({ kind }: { kind: string }) => kind)).toEqual(['refresh', 'issue', 'admin'])

    const erase = (...words: string[]) => cli.run(['users', 'erase', username, ...words], { stdin })
    expect(await erase()).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(
        `To erase ${username} of the pool customers, run the command again with --confirm ${username}.`,
      ),
    })
    expect(await erase('--confirm', 'amanda@example.com')).toEqual({
      code: 1,
      stdout: '',
      stderr: `sallyport: You typed another name. Type ${username}. Nothing was done.\n`,
    })
    expect(await erase('--confirm', username)).toEqual({
      code: 0,
      stdout: '',
      stderr: `Erased ${username} of the pool customers: 1 session ended. The personal data is removed from the audit trail within minutes.\n`,
    })
    expect((await cli.run(['users', 'show', username])).code).toBe(4)
  })

  it.each([
    ['users', 'create', 'new@example.com', '--pool', 'customers'],
    ['users', 'set-password', 'amanda@example.com'],
    ['users', 'delete', 'amanda@example.com'],
    ['users', 'export', 'amanda@example.com'],
    ['users', 'erase', 'amanda@example.com', '--confirm', 'amanda@example.com'],
    ['clients', 'delete', 'storefront-demo'],
    ['clients', 'retire-secret', 'storefront-demo', 'x'],
    ['keys', 'revoke', 'x'],
  ])('a support operator is refused before a question: %s %s', async (...args) => {
    expect(await support.run(args)).toEqual({
      code: 1,
      stdout: '',
      stderr: 'sallyport: The command needs the role admin.\n',
    })
  })

  it('--columns and --csv work for every list, and an unknown column is an error', async () => {
    const args = ['users', 'list', '--search', 'amanda@', '--columns', 'email,Username', '--csv']
    expect(await cli.run(args)).toEqual({
      code: 0,
      stdout: 'email,username\r\namanda@example.com,amanda@example.com\r\n',
      stderr: '',
    })
    expect((await cli.run(['keys', 'list', '--csv'])).stdout).toMatch(
      /^key,algorithm,state,created,signs-from,retires,reason\r\n[\w-]+,ES256,current,\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ,/,
    )
    const lists = COMMANDS.filter(({ name }) => /list$|^audit$|^search$|check-names$/.test(name))
    expect(lists).toHaveLength(7)
    for (const { name, arguments: expected = [] } of lists) {
      const words = [...name.split(' '), ...expected.map(() => 'x')]
      expect(await cli.run([...words, '--columns', 'colour'])).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringMatching(/^sallyport: there is no column "colour".* Columns are: /),
      })
    }
  })

  it('--pool selects one of several users with the same username', async () => {
    for (const pool of ['customers', 'staff']) {
      await cli.run(['users', 'create', 'twin', '--pool', pool], { stdin: 'a long passphrase\n' })
    }
    expect(await cli.run(['users', 'show', 'twin'])).toMatchObject({
      code: 1,
      stderr: 'sallyport: "twin" is in several pools. Choose one with --pool: customers, staff.\n',
    })
    expect(await cli.json('users', 'show', 'twin', '--pool', 'staff')).toMatchObject({ pool: 'staff' })
  })
})

describe('why', () => {
  it('why prints that an operator signed the user out, with the time', async () => {
    const { refresh_token } = await signIn(issuer)
    expect((await refresh(refresh_token)).status).toBe(200)
    await untilAudited()
    await cli.run(['users', 'sign-out', 'amanda@example.com'])
    const { code, stdout } = await cli.run(['why', 'amanda@example.com'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/Sign-in +ok .+\n.+Refresh +ok .+\n.+Revocation +ok .+signed out everywhere/)
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(
      /^Session s1\.\S+ of amanda@example\.com \(user:\S+\) ended \d{4}-\d\d-\d\d \d\d:\d\d:\d\d because all sessions of the user were ended, by the operator operator\.$/,
    )
  })

  it('why prints that an operator ended the session', async () => {
    const { refresh_token } = await requestTokens(issuer, {
      client_id: 'storefront-public',
      username: 'guest',
      password: 'guest',
    })
    const { sid } = JSON.parse(Buffer.from(refresh_token.split('.')[1] ?? '', 'base64url').toString())
    await untilAudited()
    expect(await cli.run(['sessions', 'end', sid])).toMatchObject({
      code: 0,
      stderr: `Ended the session ${sid}.\n`,
    })
    expect((await cli.run(['sessions', 'end', sid])).stderr).toBe(`The session ${sid} was already ended.\n`)
    const { stdout } = await cli.run(['why', sid])
    expect(stdout).toMatch(/because an operator ended it, by the operator operator\.\n$/)
    const timeline = await cli.json('sessions', 'timeline', sid)
    expect(timeline).toMatchObject({ session: { sid, state: 'ended' } })
    expect(await cli.json('why', sid)).toEqual(timeline)
    expect((await cli.run(['sessions', 'show', sid])).stdout).toMatch(/reason +ended by an operator/)
  })

  it('why prints a sign-in in steps with its methods', async () => {
    const username = 'steps@example.com'
    const password = 'passphrase of the steps'
    await cli.run(['users', 'create', username, '--pool', 'customers'], { stdin: `${password}\n` })
    const code = ['--grants', 'authorization_code,refresh_token', '--first-party', 'true']
    const uris = ['--redirect-uris', 'https://shop.example/callback']
    const args = ['--api', 'storefront', '--scopes', 'cart', ...code, ...uris]
    const { stdout: secret } = await cli.run(['clients', 'create', 'shop-in-steps', ...args])
    const post = async (path: string, parameters: Record<string, string>) => {
      const client = { client_id: 'shop-in-steps', client_secret: secret.trim() }
      const body = new URLSearchParams({ ...client, ...parameters })
      return (await fetch(issuer + path, { method: 'POST', body })).json() as Promise<Record<string, string>>
    }
    // The challenge and the verifier of RFC 7636, appendix B.
    const code_challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
    const code_verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
    const asked = { response_type: 'code', code_challenge, code_challenge_method: 'S256' }
    const signedIn = await post('/oauth2-token/challenge', { ...asked, username, password })
    expect(signedIn).toEqual({ authorization_code: expect.any(String) })
    const { authorization_code: given = '' } = signedIn
    const tokens = await post('/oauth2-token', {
      grant_type: 'authorization_code',
      code: given,
      code_verifier,
    })
    expect(tokens).toMatchObject({ token_type: 'Bearer', refresh_token: expect.any(String) })
    await untilAudited()
    const { code: status, stdout } = await cli.run(['why', username])
    expect(status).toBe(0)
    expect(stdout).toMatch(/\nclient +shop-in-steps\n/)
    expect(stdout).toMatch(/\n\S+ \S+ +Sign-in in steps +ok +– +password\n/)
  })

  it('why prints that the user is unknown, or that the user had no session', async () => {
    expect((await cli.run(['why', 'nobody@example.com'])).code).toBe(4)
    expect(await cli.run(['why', 's1.nope'])).toMatchObject({
      code: 4,
      stderr: 'sallyport: No session has the id "s1.nope", and no user has this username.\n',
    })
    expect(await cli.run(['why', 'clerk'])).toMatchObject({
      code: 4,
      stderr: 'sallyport: clerk has no recent session: "audit --user" lists the events.\n',
    })
  })

  it('sessions list prints the sessions of a user or a client', async () => {
    const sessions = await list('sessions', 'list', '--user', 'amanda@example.com')
    expect(sessions[0]).toMatchObject({ client_id: 'storefront-demo', state: 'cut_off' })
    expect((await list('sessions', 'list', '--client', 'storefront-public')).length).toBeGreaterThan(0)
    const live = await list('sessions', 'list')
    expect(live[0]).toMatchObject({ state: 'live' })
    const { stdout } = await cli.run(['sessions', 'list', '--limit', '1'])
    expect(stdout).toMatch(/^Session +User +Client +Started/)
  })
})

describe('the audit trail', () => {
  it('the audit command filters by user, operator, kind and time, and shows the titles of the console', async () => {
    const events = await list('audit', '--by', 'operator', '--kind', 'admin', '--from', '1h', '--all')
    expect(events.map(({ reason }) => reason)).toContain('the client was created')
    expect(await list('audit', '--from', '2100-01-01')).toEqual([])
    const titled = ['audit', '--by', 'operator', '--kind', 'change', '--columns', 'kind,reason']
    expect((await cli.run(titled)).stdout).toMatch(/^Kind +Reason\nChange +the /)
    expect((await cli.run(['audit', '--kind', 'nonsense'])).stderr).toContain('kind: must be one of issue, ')
  })
})

describe('statistics', () => {
  it('the statistics command counts the latest events', async () => {
    const { stdout } = await cli.run(['statistics', '--minutes', '30'])
    expect(stdout).toMatch(
      /^from .*\nto .*\nNAME +COUNT +PREVIOUS\n(?:tokens \(\w+\) +[1-9]\d* +\d+\n)+failures +\d+ +\d+\n/,
    )
    expect(stdout).toMatch(
      /\nactive sessions +[1-9]\d* +\d+\nlocked accounts +\d+\nnext key change +\d{4}-.*\n$/,
    )
    const json = JSON.parse((await cli.run(['statistics', '--minutes', '30', '--json'])).stdout)
    expect(json.buckets).toHaveLength(30)
    const month = JSON.parse((await cli.run(['statistics', '--range', '30d', '--json'])).stdout)
    expect([month.to - month.from, month.total.failures >= json.total.failures]).toEqual([30 * 86_400, true])
    expect((await cli.run(['statistics', '--minutes', '0'])).stderr).toContain('must be at least 1')
    expect((await cli.run(['statistics', '--range', '7d', '--minutes', '5'])).code).toBe(2)
  })
})

describe('keys', () => {
  it('the keys commands list, rotate and reseal the signing keys', async () => {
    expect(await list('keys', 'list')).toMatchObject([{ state: 'current' }])
    expect((await cli.run(['keys', 'rotate'])).stderr).toMatch(/^The key \S+ signs from .+\.\n$/)
    const again = await cli.run(['keys', 'rotate', '--lead', '3600'])
    expect(again).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^Unchanged: \S+ signs from .+\.\n$/),
    })
    const earlier = await cli.run(['keys', 'rotate', '--lead', String(LEAD_LIMITS.min)])
    expect(earlier).toMatchObject({ code: 0, stderr: expect.stringMatching(/^The key /) })
    expect((await cli.run(['keys', 'list'])).stdout.split('\n')).toHaveLength(4)
    expect(await cli.run(['keys', 'reseal'])).toMatchObject({
      code: 0,
      stderr: 'Encrypted with the new secret: 0.\n',
    })
    const [next] = await list('keys', 'list')
    expect((await cli.run(['keys', 'revoke', String(next?.kid)])).code).toBe(2)
    const stdin = `${OPERATORS.operator}\n`
    const retired = await cli.run(['keys', 'revoke', String(next?.kid), '--yes'], { stdin })
    expect(retired.stderr).toMatch(/^Revoked the key \S+, with all tokens that it signed\.\n$/)
    const repeated = await cli.run(['keys', 'revoke', String(next?.kid), '--yes'], { stdin })
    expect(repeated.stderr).toMatch(/^The key \S+ was already revoked, at \d{4}-\S+ \S+\.\n$/)
    expect(await list('keys', 'list')).toContainEqual(
      expect.objectContaining({ kid: next?.kid, reason: 'compromised' }),
    )
    expect((await support.run(['keys', 'rotate'])).code).toBe(1)
  })
})

describe('keys rotate', () => {
  it.each([LEAD_LIMITS.min - 1, LEAD_LIMITS.max + 1])(
    'keys rotate refuses --lead %d and names the limits',
    async (lead) => {
      expect(await cli.run(['keys', 'rotate', '--lead', String(lead)])).toEqual({
        code: 2,
        stdout: '',
        stderr: expect.stringContaining(
          `--lead must be from ${LEAD_LIMITS.min} to ${LEAD_LIMITS.max} seconds`,
        ),
      })
    },
  )
})

describe('config check', () => {
  it('config check needs no server and no sign-in, and lists every problem', async () => {
    const away = cli.another('http://127.0.0.1:9')
    expect(await away.run(['config', 'check'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^config\.yml is valid: /),
    })
    const file = join(cli.directory, 'bad.yml')
    writeFileSync(file, 'issuer: http://id.test\ncolour: red\n')
    const { code, stderr } = await away.run(['config', 'check', file])
    expect(code).toBe(1)
    expect(stderr).toContain('colour: is not a known key')
    expect(stderr).toContain('issuer: ')
    expect(await away.run(['config', 'check', 'none.yml'])).toMatchObject({
      code: 1,
      stderr: 'sallyport: none.yml: no such file\n',
    })
  })
})
