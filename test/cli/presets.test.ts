import { createCipheriv, createHash, createHmac, pbkdf2Sync, randomBytes, scryptSync } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashSync } from 'bcryptjs'
import { describe, expect, it } from 'vitest'
import { PRESETS } from '../../packages/cli/src/import/presets.ts'
import { OPERATORS, startCli } from '../support/cli.ts'
import { requestTokens, STAFF } from '../support/token_client.ts'

const SAMPLES = 'test/cli/samples'
const PASSWORD = 'correct horse battery staple'
const SIGNER_KEY = randomBytes(64)
const SALT = randomBytes(16).toString('hex')
const FIREBASE = { rounds: 8, memory_cost: 14, salt_separator: 'Bw==' }

const hashKeys = JSON.stringify({ 'firebase-scrypt': SIGNER_KEY.toString('base64') })
const { cli, issuer } = await startCli({ hashKeys })

/** SHA-512 of `password{salt}`, then 4999 rounds of SHA-512 over the digest and that text. */
function makeSymfonyHash(): string {
  const salted = Buffer.from(`${PASSWORD}{${SALT}}`)
  let digest = createHash('sha512').update(salted).digest()
  for (let i = 1; i < 5000; i++) digest = createHash('sha512').update(digest).update(salted).digest()
  return digest.toString('base64')
}

function makeFirebaseHash(salt: Buffer): string {
  const salted = Buffer.concat([salt, Buffer.from(FIREBASE.salt_separator, 'base64')])
  const key = scryptSync(PASSWORD, salted, 32, {
    N: 2 ** FIREBASE.memory_cost,
    r: FIREBASE.rounds,
    p: 1,
    maxmem: 2 ** 26,
  })
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(SIGNER_KEY).toString('base64')
}

/** The values for the braces in a sample, computed with the algorithm of each system. */
function makeValues(): Record<string, string> {
  const firebaseSalt = randomBytes(10)
  const wordpress = createHmac('sha384', 'wp-sha384').update(PASSWORD).digest('base64')
  const keycloakSalt = randomBytes(16)
  const keycloak = {
    value: pbkdf2Sync(PASSWORD, keycloakSalt, 27_500, 32, 'sha256').toString('base64'),
    salt: keycloakSalt.toString('base64'),
    additionalParameters: {},
  }
  return {
    bcrypt: hashSync(PASSWORD, 4),
    salt: SALT,
    symfony: makeSymfonyHash(),
    magento: `${createHash('sha256')
      .update(SALT + PASSWORD)
      .digest('hex')}:${SALT}:1`,
    wordpress: `$wp${hashSync(wordpress, 4)}`,
    'keycloak-secret': JSON.stringify(keycloak).replaceAll('"', '\\"'),
    firebase: makeFirebaseHash(firebaseSalt),
    'firebase-salt': firebaseSalt.toString('base64'),
  }
}

/** Writes a sample with hashes of `PASSWORD` to a temporary file. */
function makeFile(sample: string): string {
  const values = makeValues()
  const template = readFileSync(join(SAMPLES, sample), 'utf8')
  const text = template.replace(/\{([a-z-]+)\}/g, (whole, name: string) => values[name] ?? whole)
  const path = join(cli.directory, sample)
  writeFileSync(path, text)
  return path
}

/** The client of the back office in the demo data. */
const BACKOFFICE = { client_id: STAFF.client_id, client_secret: STAFF.client_secret }

const SET_FIREBASE = Object.entries(FIREBASE).flatMap(([field, value]) => ['--set', `${field}=${value}`])

interface Sample {
  file: string
  preset: string
  options?: string[]
  pool?: string
  passwords: string
  users: Record<string, object>
}

const ANN = { name: 'Ann Archer' }
const ANN_IN_PARTS = { ...ANN, given_name: 'Ann', family_name: 'Archer' }

/** The addresses that the export calls verified. */
const VERIFIED = ['--emails-verified', 'column']

const WITH_HASHES: Sample[] = [
  {
    file: 'orocommerce.csv',
    preset: 'orocommerce',
    passwords: '1 symfony-sha512, 1 bcrypt',
    users: {
      'ann@oro.test': {
        profile: { ...ANN_IN_PARTS, email: 'ann@oro.test' },
        roles: ['ROLE_FRONTEND_BUYER', 'ROLE_FRONTEND_ADMINISTRATOR'],
      },
      'bob@oro.test': { profile: { name: 'Bob', given_name: 'Bob', email: 'bob@oro.test' }, roles: [] },
    },
  },
  {
    file: 'orocommerce-staff.csv',
    preset: 'orocommerce-staff',
    pool: 'staff',
    passwords: '1 bcrypt',
    users: {
      cora: {
        profile: { name: 'Cora Clerk', given_name: 'Cora', family_name: 'Clerk', email: 'clerk@oro.test' },
        roles: ['ROLE_MANAGER'],
      },
    },
  },
  {
    file: 'magento.csv',
    preset: 'magento',
    passwords: '1 magento2',
    users: { 'ann@magento.test': { profile: { ...ANN_IN_PARTS, email: 'ann@magento.test' } } },
  },
  {
    file: 'woocommerce.csv',
    preset: 'woocommerce',
    passwords: '1 wordpress',
    users: { ann: { profile: { ...ANN, email: 'ann@woo.test' }, roles: ['customer'] } },
  },
  {
    file: 'auth0.ndjson',
    preset: 'auth0',
    passwords: '2 bcrypt',
    options: VERIFIED,
    users: {
      'ann@auth0.test': { profile: { email: 'ann@auth0.test' }, email_verified: true },
      'bob@auth0.test': { profile: { email: 'bob@auth0.test' }, email_verified: true },
    },
  },
  {
    file: 'keycloak.json',
    preset: 'keycloak',
    options: VERIFIED,
    passwords: '1 keycloak',
    pool: 'staff',
    users: {
      ann: {
        profile: { ...ANN_IN_PARTS, email: 'ann@keycloak.test' },
        email_verified: true,
        roles: ['buyer', 'offline_access'],
        enabled: true,
      },
    },
  },
  {
    file: 'firebase.json',
    preset: 'firebase',
    passwords: '1 firebase-scrypt',
    options: [...SET_FIREBASE, ...VERIFIED],
    users: {
      'ann@firebase.test': {
        profile: { ...ANN, email: 'ann@firebase.test' },
        enabled: true,
        email_verified: true,
      },
    },
  },
  {
    file: 'firebase.csv',
    preset: 'firebase',
    passwords: '1 firebase-scrypt',
    options: SET_FIREBASE,
    users: {
      'bob@firebase.test': {
        profile: { name: 'Bob Baker', email: 'bob@firebase.test' },
        email_verified: false,
      },
    },
  },
]

const WITHOUT_HASHES: Sample[] = [
  {
    file: 'shopify.csv',
    preset: 'shopify',
    passwords: '1 no password',
    users: { 'ann@shopify.test': { profile: { ...ANN_IN_PARTS, email: 'ann@shopify.test' } } },
  },
  {
    file: 'cognito.json',
    preset: 'cognito',
    options: VERIFIED,
    passwords: '1 no password',
    users: {
      'ann@cognito.test': {
        profile: { ...ANN_IN_PARTS, email: 'ann@cognito.test' },
        enabled: true,
        email_verified: true,
      },
    },
  },
]

async function importSample({ file, preset, options = [], pool = 'customers', passwords, users }: Sample) {
  const args = ['import', 'users', makeFile(file), '--preset', preset, ...options, '--pool', pool, '--yes']
  const { code, stderr } = await cli.run(args, { stdin: `${OPERATORS.operator}\n` })
  expect({ code, stderr }).toMatchObject({
    code: 0,
    stderr: expect.stringContaining(`Password hashes: ${passwords}.\n`),
  })
  for (const [username, expected] of Object.entries(users)) {
    expect(await cli.json('users', 'show', username, '--pool', pool)).toMatchObject({
      username,
      pool,
      ...expected,
    })
  }
}

describe('a preset', () => {
  it('each preset has a sample file', () => {
    const used = [...WITH_HASHES, ...WITHOUT_HASHES]
    expect(new Set(used.map(({ preset }) => preset))).toEqual(new Set(PRESETS.map(({ name }) => name)))
    expect(used.map(({ file }) => file).sort()).toEqual(readdirSync(SAMPLES).sort())
  })

  it.each(WITH_HASHES)(
    'the preset imports the sample, and the users sign in with their old password: $file',
    async (sample) => {
      await importSample(sample)
      const { pool = 'customers', users } = sample
      const client = pool === 'staff' ? BACKOFFICE : { client_id: 'storefront-public' }
      for (const username of Object.keys(users)) {
        const tokens = await requestTokens(issuer, { ...client, username, password: PASSWORD })
        expect(tokens).toHaveProperty('access_token')
      }
    },
  )

  it.each(WITHOUT_HASHES)(
    'the preset imports the sample, and the users need a new password: $file',
    async (sample) => {
      await importSample(sample)
      const [username = ''] = Object.keys(sample.users)
      const customer = { client_id: 'storefront-public', username, password: PASSWORD }
      await expect(requestTokens(issuer, customer)).rejects.toThrow()
      expect(await cli.json('users', 'show', username)).toMatchObject({ must_change_password: true })
      const set = await cli.run(['users', 'set-password', username], {
        stdin: `${PASSWORD}\n${OPERATORS.operator}\n`,
      })
      expect(set).toMatchObject({ code: 0 })
      expect(await requestTokens(issuer, customer)).toHaveProperty('access_token')
    },
  )

  it.each([
    [
      ['--preset', 'magneto'],
      'there is no preset "magneto"; did you mean "magento"? Presets are: orocommerce, ',
    ],
    [['--preset', 'keycloak'], '--preset keycloak reads json, not csv'],
  ])('the command checks the preset before it reads the file: %j', async (options, message) => {
    const args = ['import', 'users', makeFile('magento.csv'), '--pool', 'customers', ...options]
    expect(await cli.run(args)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) })
  })
})
