import { isEmail } from '@sallyport/formats/email'
import { describe, expect, it } from 'vitest'
import { TestOperator } from '../support/operator.ts'
import { TestServer } from '../support/server.ts'

const ALLOWED = [
  'zoe@example.com',
  'a.b+c@x.test',
  "o'hara@x.test",
  'ann@localhost',
  'Post@Böhm.Example',
  '用户@例子.广告',
  `${'a'.repeat(64)}@x.test`,
]
const REFUSED = [
  '',
  'zoe',
  '@x.test',
  'zoe@',
  'zoe@@x.test',
  'zoe@x..test',
  '.zoe@x.test',
  'zoe@-x.test',
  'zoe@x-.test',
  'zo e@x.test',
  ' zoe@x.test',
  'zoe@x.test\n',
  '"a b"@x.test',
  '<zoe@x.test>',
  'a,b@x.test',
  'zoe@[127.0.0.1]',
  '\u200bzoe@x.test',
  'zoe@x.test\ud800',
  `${'a'.repeat(65)}@x.test`,
  `zoe@${'a.'.repeat(130)}test`,
]

const EMAIL_MESSAGE = 'must be an email address, such as zoe@example.com'
const ROLE_MESSAGE = 'must be plain text of 1 to 64 characters, without spaces, commas and vertical bars'

describe('an email address', () => {
  it('has a local part and a host name, in any script (RFC 5321 §4.1.2, RFC 6531 §3.3)', () => {
    expect(ALLOWED.filter((text) => !isEmail(text))).toEqual([])
    expect(REFUSED.filter(isEmail)).toEqual([])
  })

  it('is refused with the same message as a role is, by each operation that writes a user', async () => {
    const server = new TestServer()
    const operator = await TestOperator.confirmed(server)
    const created = await operator.post('/users', {
      pool: 'customers',
      username: 'zoe',
      password: 'a good password',
    })
    const wrong = { roles: [' x'], profile: { email: 'zoe@' } }
    const errors = [
      { path: 'roles.0', message: ROLE_MESSAGE },
      { path: 'profile.email', message: EMAIL_MESSAGE },
    ]
    const row = { pool: 'customers', username: 'ann', password: 'a good password', ...wrong }
    for (const answer of [
      await operator.post('/users', row),
      await operator.patch(`/users/${created.body.id}`, wrong, created.headers.get('ETag')),
    ]) {
      expect([answer.status, answer.body.errors]).toEqual([422, errors])
    }
    const { body } = await operator.post('/users/import', { rows: [row], dry_run: true })
    const reason = errors.map(({ path, message }) => `${path}: ${message}`).join('; ')
    expect(body.results).toEqual([{ index: 0, status: 'refused', reason, id: null }])
  })
})
