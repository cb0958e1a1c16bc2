import { systemClock } from '../src/lib/clock.ts'
import { type DrillAccount, type Form, passwordForm, refreshForm } from './drill_account.ts'
import { DRILL_PASSWORD } from './drill_cases.ts'
import type { ServiceServer } from './worker_server.ts'

/** The pool and the API of users in two databases. */
export const SHOP_POOL = 'shoppers'
export const SHOP_API = 'shop'

/** A drill in progress. */
export interface DatabaseScene {
  account: DrillAccount
  /** The client of SHOP_API. */
  client: Form
  /** The service. It starts again with more databases before the backup. */
  service(): ServiceServer
  /** Creates a user of SHOP_POOL. @returns the id */
  addUser(username: string): Promise<string>
}

/** Describes the present state in two or three words. */
type Check = () => Promise<string>
/** Works between the backup and the restore. */
type Since = () => Promise<Check>

/** A fact about a service of which one database is restored, and the others are newer. */
export interface DatabaseCase {
  /** The binding of the restored database. */
  binding: string
  /** As in the table of docs/backup.md. */
  title: string
  /** Whether it needs a session in the shard. The service has no other sessions at first. */
  isOfShard?: boolean
  /** Works before the backup. */
  begin(scene: DatabaseScene): Promise<Since>
}

/** The user in the main database. */
export const HOME_USER = 'dora'

const DAY = 86_400

export const DATABASE_CASES: readonly DatabaseCase[] = [
  {
    binding: 'SESSIONS_EU',
    title: 'session with refreshes since: newest token',
    isOfShard: true,
    begin: async (scene) => {
      const token = await startSession(scene)
      return async () => checkRefresh(scene, await refreshTwice(scene, token))
    },
  },
  {
    binding: 'SESSIONS_EU',
    title: 'session with refreshes since: used token',
    isOfShard: true,
    begin: async (scene) => {
      const token = await startSession(scene)
      return async () => {
        await refreshTwice(scene, token)
        return checkRefresh(scene, token)
      }
    },
  },
  {
    binding: 'SESSIONS_EU',
    title: 'session that was revoked since',
    isOfShard: true,
    begin: (scene) => revokedSince(scene),
  },
  {
    binding: 'USERS_1',
    title: 'user who was created since',
    begin: async (scene) => async () => {
      await scene.addUser('hal')
      return checkSignIn(scene, 'hal')
    },
  },
  {
    binding: 'USERS_1',
    title: 'user who was disabled since',
    begin: async (scene) => {
      const id = await scene.addUser('iva')
      return async () => {
        await scene.account.admin(`/users/${id}/disable`, {})
        return checkSignIn(scene, 'iva')
      }
    },
  },
  {
    binding: 'USERS_1',
    title: 'user who was erased since',
    begin: async (scene) => {
      const id = await scene.addUser('joe')
      return async () => {
        await scene.account.admin(`/users/${id}/erase`, { username: 'joe' })
        return checkSignIn(scene, 'joe')
      }
    },
  },
  {
    binding: 'USERS_1',
    title: 'username that a user of `DB` has since',
    begin: async (scene) => {
      const id = await scene.addUser('gus')
      return async () => {
        const home = await findUser(scene, HOME_USER)
        await scene.account.admin(`/users/${id}`, { username: 'gustav' }, 'PATCH')
        await scene.account.admin(`/users/${home}`, { username: 'gus' }, 'PATCH')
        return async () => ((await countUsers(scene, 'gus')) === 1 ? 'one user' : 'several users')
      }
    },
  },
  {
    binding: 'USERS_1',
    title: 'audit event of the next change of a user',
    begin: async (scene) => {
      const id = await scene.addUser('kim')
      return async () => async () => {
        const before = await countEvents(scene, id)
        await scene.account.admin(`/users/${id}/require-password-change`, {})
        return (await countEvents(scene, id)) > before ? 'listed' : 'missing'
      }
    },
  },
  {
    binding: 'AUDIT_1',
    title: 'event that was archived since',
    begin: async (scene) => {
      await deliverEvent(scene, 'visitor:archived')
      return async () => {
        await scene.service().runCron()
        return async () => {
          await scene.service().runCron()
          return describeCount(await countEvents(scene, 'visitor:archived'))
        }
      }
    },
  },
  {
    binding: 'AUDIT_1',
    title: 'event that was written since',
    begin: async (scene) => async () => {
      await deliverEvent(scene, 'visitor:written')
      return async () => describeCount(await countEvents(scene, 'visitor:written'))
    },
  },
  {
    binding: 'DB',
    title: 'user of the database `u1` who was created since',
    begin: async (scene) => async () => {
      await scene.addUser('lea')
      return checkSignIn(scene, 'lea')
    },
  },
  {
    binding: 'DB',
    title: 'session of a shard that was revoked since',
    isOfShard: true,
    begin: (scene) => revokedSince(scene),
  },
  {
    binding: 'DB',
    title: 'events of a user of `u1` who was erased since',
    begin: async (scene) => {
      const id = await scene.addUser('mia')
      return async () => {
        await scene.account.admin(`/users/${id}/erase`, { username: 'mia' })
        await scene.service().runCron()
        return async () => ((await countEvents(scene, id)) > 0 ? 'with the id' : 'with a pseudonym')
      }
    },
  },
]

/** Starts a session of the user in the main database, and refreshes once. @returns the refresh token */
async function startSession({ account, client }: DatabaseScene): Promise<string> {
  const { refresh_token: token } = await account.token(passwordForm(HOME_USER, DRILL_PASSWORD, client))
  return account.refresh(token, client)
}

async function refreshTwice({ account, client }: DatabaseScene, token: string): Promise<string> {
  return account.refresh(await account.refresh(token, client), client)
}

async function revokedSince(scene: DatabaseScene): Promise<Since> {
  const token = await startSession(scene)
  return async () => {
    await scene.account.revoke(token, scene.client)
    return checkRefresh(scene, token)
  }
}

function checkRefresh(scene: DatabaseScene, token: string): Check {
  return () => describeAnswer(scene, refreshForm(token, scene.client))
}

function checkSignIn(scene: DatabaseScene, username: string): Check {
  return () => describeAnswer(scene, passwordForm(username, DRILL_PASSWORD, scene.client))
}

async function describeAnswer({ account }: DatabaseScene, form: Form): Promise<string> {
  return (await account.isAccepted(form)) ? 'accepted' : 'refused'
}

/** Gives the consumer of the queue an event that is three days old. */
async function deliverEvent(scene: DatabaseScene, subject: string): Promise<void> {
  const now = systemClock.now()
  const event = {
    id: 2 ** 52 + subject.length,
    at: now - 3 * DAY,
    kind: 'refresh',
    outcome: 'ok',
    reason: 'drill',
    subject,
  }
  const body = { id: subject, at: now, events: [event], counts: [], databases: ['AUDIT_1'] }
  await scene.service().deliver('sallyport-audit', [{ id: subject, body }])
}

async function countEvents({ account }: DatabaseScene, subject: string): Promise<number> {
  const { items } = await account.admin(`/audit?subject=${subject}&limit=100`, null)
  return (items as unknown[]).length
}

function describeCount(count: number): string {
  return ['missing', 'listed'][count] ?? `listed ${count} times`
}

async function countUsers(scene: DatabaseScene, username: string): Promise<number> {
  return (await findUsers(scene, username)).length
}

async function findUser(scene: DatabaseScene, username: string): Promise<string> {
  const [found] = await findUsers(scene, username)
  if (found === undefined) throw new Error(`no user ${username}`)
  return found.id
}

/** The users of SHOP_POOL with a username, in all databases. */
async function findUsers({ account }: DatabaseScene, username: string): Promise<{ id: string }[]> {
  const { items } = await account.admin(`/users?pool=${SHOP_POOL}&q=${username}`, null)
  return (items as { id: string; username: string }[]).filter((user) => user.username === username)
}
