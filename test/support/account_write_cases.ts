import {
  CONFIRM_ADDRESS,
  INVITATION,
  passwordLinkDataOf,
  RESET_PASSWORD,
} from '../../src/accounts/link_kinds.ts'
import type { UserRecord } from '../../src/users/user_record.ts'
import { addReader, tokenOf } from './account_links.ts'
import { ISSUER, type TestServer } from './server.ts'
import { HERE, type Send, type World, type WriteCase } from './write_cases.ts'

const PATH = '/account/customers'
const FORGOTTEN = `${PATH}/forgotten-password`
const CONFIRM = `${PATH}/confirm-address`

/** Posts a form of a page in each request. */
function posting({ server }: World, path: string, fieldsOf: (i: number) => Record<string, string>): Send {
  const headers = { ...HERE, Origin: ISSUER, 'Content-Type': 'application/x-www-form-urlencoded' }
  return (i) => {
    const body = new URLSearchParams(fieldsOf(i)).toString()
    return server.fetch(path, { method: 'POST', headers, body, redirect: 'manual' })
  }
}

async function addRecord(server: TestServer): Promise<UserRecord> {
  const user = await server.services.userAdmin.find((await addReader(server)).id)
  if (user === null) throw new Error('the user is missing')
  return user
}

/** The requests to the account pages without a sign-in. */
export const ACCOUNT_CASES: readonly WriteCase[] = [
  {
    what: 'links to a new password for one user',
    path: FORGOTTEN,
    expected: [303],
    async prepare(world) {
      const { username } = await addReader(world.server)
      return posting(world, FORGOTTEN, () => ({ username }))
    },
  },
  {
    what: 'links to a new password for made-up names',
    path: FORGOTTEN,
    expected: [303],
    prepare: (world) => posting(world, FORGOTTEN, (i) => ({ username: `unknown-${i}@example.com` })),
  },
  ...[RESET_PASSWORD, INVITATION].map(
    (kind): WriteCase => ({
      what: 'refused passwords by one link',
      path: `${PATH}/${kind.page}`,
      expected: [303],
      async prepare(world) {
        const { links } = world.server.services
        const user = await addRecord(world.server)
        const content = { user, data: await passwordLinkDataOf(user) }
        const token = tokenOf(new URL(await links.make(kind, content, world.server.clock.time)))
        const fields = { token, password: 'short', repeated: 'short' }
        return posting(world, `${PATH}/${kind.page}`, () => fields)
      },
    }),
  ),
  {
    what: 'uses of a link that was used',
    path: CONFIRM,
    expected: [400],
    async prepare(world) {
      const { links } = world.server.services
      const user = await addRecord(world.server)
      const data = { address: `${crypto.randomUUID()}@example.org`, from: user.profile.email ?? null }
      const url = await links.make(CONFIRM_ADDRESS, { user, data }, world.server.clock.time)
      const send = posting(world, CONFIRM, () => ({ token: tokenOf(new URL(url)) }))
      await send(0)
      return send
    },
  },
]
