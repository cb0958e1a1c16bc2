import { createHash } from 'node:crypto'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { IMPORT_SCHEMES } from '@sallyport/formats/schemes/conversion/convert_hash'
import { hashSync } from 'bcryptjs'
import { describe, expect, it } from 'vitest'
import { LossyProxy, OPERATORS, startCli } from '../support/cli.ts'
import { requestTokens } from '../support/token_client.ts'

const PASSWORD = 'correct horse'
const BCRYPT = hashSync(PASSWORD, 4)
const SALT = 'k8sa2xq1'
const SHA256 = createHash('sha256')
  .update(SALT + PASSWORD)
  .digest('hex')
const SCHEMES = IMPORT_SCHEMES.map(({ name }) => name).join(', ')
/** A cost above the limit of Cloudflare. */
const EXPENSIVE = `$pbkdf2-sha256$i=600000$${'A'.repeat(22)}$${'A'.repeat(43)}`

const { cli, issuer } = await startCli()

function write(name: string, lines: readonly string[], mode = 0o600): string {
  const path = join(cli.directory, name)
  writeFileSync(path, `${lines.join('\n')}\n`)
  chmodSync(path, mode)
  return path
}

function importUsers(file: string, ...options: string[]) {
  return cli.run(['import', 'users', file, '--pool', 'customers', '--yes', ...options])
}

function signIn(username: string, password = PASSWORD) {
  return requestTokens(issuer, { client_id: 'storefront-public', username, password })
}

describe('an import of hashes', () => {
  it.each([
    ['with a salt column', 'username,password_hash,salt', `${SHA256},${SALT}`],
    ['without one', 'username,password_hash', SHA256],
  ])('the import never guesses the scheme of a bare hash: %s', async (_what, header, cells) => {
    const file = write('bare.csv', [header, `bare@shop.test,${cells}`])
    expect(await importUsers(file)).toEqual({
      code: 1,
      stdout: '',
      stderr: `line 2: bare@shop.test: password_hash: the hash does not name its scheme, and no scheme is given; name it in the column hash_scheme or by --hash-scheme: ${SCHEMES}
Dry run: 0 users to create, 0 already exist, 1 row refused.
sallyport: 1 row was refused.
`,
    })
  })

  it('a column or option names the scheme of a bare hash, and the import counts each scheme', async () => {
    const file = write('named.csv', [
      'username,password_hash,salt,hash_scheme',
      `named1@shop.test,${SHA256},${SALT},`,
      `named2@shop.test,${SHA256},${SALT},sha256-salt-password`,
      `named3@shop.test,${BCRYPT},${SALT},`,
      `named4@shop.test,${createHash('sha1').update(PASSWORD).digest('hex')},,sha1`,
    ])
    expect(await importUsers(file, '--hash-scheme', 'sha256-salt-password')).toEqual({
      code: 0,
      stdout: '',
      stderr: `Dry run: 4 users to create, 0 already exist, 0 rows refused.
Password hashes: 2 sha256-salt-password, 1 bcrypt, 1 sha1.
Done: 4 users created, 0 already exist, 0 rows refused.
`,
    })
    for (const i of [1, 2, 3, 4]) expect(await signIn(`named${i}@shop.test`)).toHaveProperty('access_token')
  })

  it.each([
    [
      ['--hash-scheme', 'bcript'],
      'there is no hash scheme "bcript"; did you mean "bcrypt"? Schemes are: argon2id, ',
    ],
    [['--reset', 'all'], '--reset must be missing or unsupported'],
  ])('an invalid option is an error of the command line: %j', async (options, message) => {
    const file = write('option.csv', ['username,password_hash', `option@shop.test,${BCRYPT}`])
    expect(await importUsers(file, ...options)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(message),
    })
  })

  it('--reset selects the hashes whose users the import creates without a password', async () => {
    const file = write('reset.csv', [
      'username,password_hash',
      'reset1@shop.test,',
      `reset2@shop.test,${EXPENSIVE}`,
      `reset3@shop.test,${BCRYPT}`,
      'reset4@shop.test,not-a-hash',
    ])
    const { stderr } = await importUsers(file, '--dry-run', '--reset', 'missing')
    expect(stderr.split('\n')).toEqual([
      expect.stringMatching(
        /^line 3: reset2@shop.test: password_hash: pbkdf2.*at most 100000; import the user without a password/,
      ),
      expect.stringMatching(/^line 5: reset4@shop.test: password_hash: the hash does not name its scheme/),
      'Dry run: 2 users to create, 0 already exist, 2 rows refused.',
      'Password hashes: 1 no password, 1 bcrypt.',
      'sallyport: 2 rows were refused.',
      '',
    ])
    const done = await importUsers(file, '--reset', 'unsupported')
    expect(done.stderr).toContain('Password hashes: 2 no password, 1 bcrypt.\n')
    expect(done.stderr).toContain('Done: 3 users created, 0 already exist, 1 row refused.\n')
    expect(await cli.json('users', 'show', 'reset2@shop.test')).toMatchObject({ must_change_password: true })
    await expect(signIn('reset2@shop.test')).rejects.toThrow()
    expect(await signIn('reset3@shop.test')).toHaveProperty('access_token')
  })

  it('--update replaces the hashes of imported users who have not signed in yet', async () => {
    const wrong = hashSync('another password', 4)
    const rows = (hash: string) => ['update1', 'update2'].map((name) => `${name}@shop.test,${hash}`)
    await importUsers(write('wrong.csv', ['username,password_hash', ...rows(wrong)]))
    await signIn('update2@shop.test', 'another password')
    const right = write('right.csv', [
      'username,password_hash',
      ...rows(BCRYPT),
      `update3@shop.test,${BCRYPT}`,
    ])
    const args = ['import', 'users', right, '--pool', 'customers', '--yes', '--update']
    expect(await cli.run(args, { stdin: OPERATORS.operator })).toEqual({
      code: 0,
      stdout: '',
      stderr: `Dry run: 1 user to create, 1 hash to replace, 1 already exists, 0 rows refused.
Password hashes: 2 bcrypt.
Done: 1 user created, 1 hash replaced, 1 already exists, 0 rows refused.
`,
    })
    expect(await signIn('update1@shop.test')).toHaveProperty('access_token')
    expect(await signIn('update2@shop.test', 'another password')).toHaveProperty('access_token')
  })
})

describe('known passwords of an import (--verify-with)', () => {
  const file = () =>
    write('verify.csv', [
      'username,password_hash,salt',
      `Verify1@shop.test,${BCRYPT},`,
      `verify2@shop.test,${SHA256},${SALT}`,
      'verify3@shop.test,not-a-hash,x',
    ])
  const known = (lines: string[], mode?: number) => write('known.csv', ['username,password', ...lines], mode)
  const SCHEME = ['--hash-scheme', 'sha256-salt-password']

  it('the server checks the known passwords before the import starts', async () => {
    const path = known([`verify1@SHOP.test,${PASSWORD}`, `verify2@shop.test,${PASSWORD}`])
    const { stderr } = await importUsers(file(), ...SCHEME, '--dry-run', '--verify-with', path)
    expect(stderr).toMatch(/^Verified: 2 known passwords match their hashes\.\n/)
    expect(stderr).toContain('\nDry run: 2 users to create')
    expect(stderr).not.toContain('Warning')
  })

  it('a known password that matches no hash or has no row stops the import', async () => {
    const proxy = await LossyProxy.start(issuer)
    const user = cli.another(proxy.origin)
    await user.signIn()
    const path = known([
      `verify1@shop.test,${PASSWORD}`,
      `verify2@shop.test,${PASSWORD}`,
      'verify3@shop.test,x',
      'nobody,x',
    ])
    const args = ['import', 'users', file(), '--pool', 'customers', '--yes', '--verify-with', path]
    expect(await user.run([...args, '--hash-scheme', 'sha256-password-salt'])).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(
        /sallyport: Nothing was imported, because a known password does not match:\n {2}verify2@shop\.test \(sha256-password-salt\): the password does not match the hash\n {2}verify3@shop\.test \(no row\): the file has no row with this username that can be imported\n {2}nobody \(no row\): .*\nCheck --hash-scheme, the columns of the file, and the passwords\.\n$/,
      ),
    })
    expect(proxy.requests.filter((request) => request.endsWith('/users/import'))).toEqual([])
    await proxy.close()
  })

  it('the import warns if other users can read the file of known passwords', async () => {
    const path = known([`verify1@shop.test,${PASSWORD}`], 0o644)
    const { stderr } = await importUsers(file(), ...SCHEME, '--dry-run', '--verify-with', path)
    expect(stderr).toContain(
      `Warning: other users of this machine can read ${path}, which has passwords. Run chmod 600.\n`,
    )
  })

  it.each([
    [[], 'known.csv has no username and password'],
    [['verify1@shop.test,'], 'known.csv: line 2: password: is required'],
    [Array.from({ length: 21 }, (_, i) => `u${i},x`), 'known.csv has more than 20 passwords'],
  ])('an invalid file of known passwords is an error: %#', async (lines, message) => {
    const result = await importUsers(file(), ...SCHEME, '--verify-with', known(lines))
    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining(message) })
  })
})
