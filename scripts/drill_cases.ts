import {
  type DrillAccount,
  type Form,
  GUEST_CLIENT,
  MOBILE,
  passwordForm,
  refreshForm,
} from './drill_account.ts'

export const DRILL_PASSWORD = 'a passphrase for the drill'
const NEW_PASSWORD = 'another passphrase for the drill'

/** The users of the drill. Their ids are `user:` and the name. */
export const DRILL_USERS = ['ada', 'bob', 'carol'] as const
type DrillUser = (typeof DRILL_USERS)[number]

/** A token or a password, and what happens to it. */
export interface DrillCase {
  /** As in the table of docs/backup.md. */
  title: string
  /** Before the backup. @returns the tokens that `since` gets */
  backedUp?: (account: DrillAccount) => Promise<readonly string[]>
  /** Between the backup and the restore. @returns the request that the report is about */
  since: (account: DrillAccount, tokens: readonly string[]) => Promise<Form>
  /** Whether `since` needs a signing key that the backup lacks. */
  needsNewKey?: boolean
}

export const DRILL_CASES: readonly DrillCase[] = [
  {
    title: 'session without a refresh since the backup',
    backedUp: async (account) => [await account.refresh(await signIn(account, 'ada'))],
    since: async (_account, [token = '']) => refreshForm(token),
  },
  {
    title: 'session with refreshes since: newest token',
    backedUp: async (account) => [await account.refresh(await signIn(account, 'ada'))],
    since: async (account, [token = '']) => refreshForm(await account.refresh(await account.refresh(token))),
  },
  {
    title: 'session with refreshes since: used token',
    backedUp: async (account) => [await account.refresh(await signIn(account, 'ada'))],
    since: async (account, [token = '']) => {
      await account.refresh(await account.refresh(token))
      return refreshForm(token)
    },
  },
  {
    title: 'session that began since, without a refresh',
    since: async (account) => refreshForm(await signIn(account, 'ada')),
  },
  {
    title: 'session that began since: newest token',
    since: async (account) => refreshForm(await account.refresh(await signIn(account, 'ada'))),
  },
  {
    title: 'session that began since: used token',
    since: async (account) => {
      const first = await signIn(account, 'ada')
      await account.refresh(await account.refresh(first))
      return refreshForm(first)
    },
  },
  {
    title: 'session that was revoked since',
    backedUp: async (account) => [await account.refresh(await signIn(account, 'ada'))],
    since: async (account, [token = '']) => {
      await account.revoke(token)
      return refreshForm(token)
    },
  },
  {
    title: 'session of a user who was signed out since',
    backedUp: async (account) => [await account.refresh(await signIn(account, 'bob'))],
    since: async (account, [token = '']) => {
      await account.admin('/users/user:bob/sign-out', {})
      return refreshForm(token)
    },
  },
  {
    title: 'guest who became a customer since',
    backedUp: async (account) => {
      const guest = await account.token(passwordForm('guest', 'guest', GUEST_CLIENT))
      return [guest.access_token, guest.refresh_token]
    },
    since: async (account, [access = '', refresh = '']) => {
      await account.token({ ...passwordForm('ada', DRILL_PASSWORD), visitor_access_token: access })
      return refreshForm(refresh, GUEST_CLIENT)
    },
  },
  {
    title: 'session signed by a key that was made since',
    since: async (account) => refreshForm(await signIn(account, 'ada')),
    needsNewKey: true,
  },
  {
    title: 'password that was replaced since',
    since: async (account) => {
      await account.admin('/users/user:carol/password', { password: NEW_PASSWORD })
      return passwordForm('carol', DRILL_PASSWORD)
    },
  },
  {
    title: 'client secret that was retired since',
    since: async (account) => {
      const { secrets } = await account.admin(`/clients/${MOBILE.client_id}`, null)
      const [secret] = secrets as { secret_id: string }[]
      await account.admin(`/clients/${MOBILE.client_id}/secrets/${secret?.secret_id}/retire`, {})
      return passwordForm('ada', DRILL_PASSWORD, MOBILE)
    },
  },
]

async function signIn(account: DrillAccount, user: DrillUser): Promise<string> {
  return (await account.token(passwordForm(user, DRILL_PASSWORD))).refresh_token
}
