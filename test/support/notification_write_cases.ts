import { LINK_PARAMETER } from '../../src/accounts/account_links.ts'
import { addReader, takeLink, tokenOf } from './account_links.ts'
import { STEP_CLIENT } from './challenge.ts'
import { enrol } from './second_factor.ts'
import { ISSUER } from './server.ts'
import { HERE, posting, type Send, signInAs, TOKEN, type World, type WriteCase } from './write_cases.ts'

const END_SESSIONS = '/account/customers/end-sessions'

/** A user with a verified address who has signed in, and the link of a notification. */
async function notified({ server, app }: World) {
  const reader = await addReader(server)
  await server.signIn(app, reader.username)
  server.services.notifications.send(
    { subject: reader.id, api: null, clientId: null },
    { kind: 'token_theft' },
    server.context(),
  )
  await server.settle()
  return { reader, link: await takeLink(server, 'end-sessions') }
}

/** Sends each request from another provider. */
function fromEverywhere({ server }: World, send: Send): Send {
  return (i) => {
    server.asn = 64_500 + i
    return send(i)
  }
}

/** The requests that send notifications, and those to the link of a notification. */
export const NOTIFICATION_CASES: readonly WriteCase[] = [
  {
    what: 'sign-ins of one user from new origins',
    path: TOKEN,
    expected: [200],
    toExhaust: 40,
    async prepare(world) {
      const { reader } = await notified(world)
      return fromEverywhere(
        world,
        posting(TOKEN, world, () => signInAs(world.app, reader.username)),
      )
    },
  },
  {
    what: 'right passwords without the second factor from new origins',
    path: TOKEN,
    expected: [403, 'insufficient_authorization'],
    toExhaust: 40,
    async prepare(world) {
      const client = await world.server.addClient({ isFirstParty: true, confidential: false })
      const { reader } = await notified(world)
      await enrol(world.server, reader)
      return fromEverywhere(
        world,
        posting(TOKEN, world, () => signInAs(client, reader.username)),
      )
    },
  },
  {
    what: 'right passwords without the second factor from a known back end',
    path: TOKEN,
    expected: [403, 'insufficient_authorization'],
    toExhaust: 40,
    async prepare(world) {
      const shop = await world.server.addClient(STEP_CLIENT)
      const { reader } = await notified(world)
      await world.server.signIn(shop, reader.username)
      await enrol(world.server, reader)
      return posting(TOKEN, world, () => signInAs(shop, reader.username))
    },
  },
  {
    what: 'uses of one link that ends all sessions',
    path: END_SESSIONS,
    expected: [303],
    async prepare(world) {
      const { link } = await notified(world)
      const type = 'application/x-www-form-urlencoded'
      const headers = { ...HERE, Origin: ISSUER, 'Content-Type': type }
      const body = new URLSearchParams({ [LINK_PARAMETER]: tokenOf(link) }).toString()
      return () => world.server.fetch(END_SESSIONS, { method: 'POST', headers, body })
    },
  },
  {
    what: 'reads of one link that ends all sessions',
    path: END_SESSIONS,
    expected: [200],
    async prepare(world) {
      const { link } = await notified(world)
      return () => world.server.fetch(link.pathname + link.search, { headers: HERE })
    },
  },
]
