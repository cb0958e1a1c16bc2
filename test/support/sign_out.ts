import type { TestServer } from './server.ts'
import type { Rules } from './session_policies.ts'

/** Ends every session of a user. */
export async function signOutUser(server: TestServer, userId: string): Promise<void> {
  await server.services.signOut.endUser(userId, { reason: 'signed out everywhere' }, server.context())
}

/** Sets a new password hash and ends every session of the user. */
export async function changePassword(
  server: TestServer,
  userId: string,
  passwordHash: string,
): Promise<void> {
  const revocation = { reason: 'the password was changed', edit: { passwordHash } }
  await server.services.signOut.endUser(userId, revocation, server.context())
}

/** Disables a user and ends every session of the user. */
export async function disableUser(server: TestServer, userId: string): Promise<void> {
  const revocation = { reason: 'the user was disabled', edit: { enabled: false } }
  await server.services.signOut.endUser(userId, revocation, server.context())
}

/** Disables a client, ends its sessions and renews its KV copy, as the admin API does. */
export async function disableClient(server: TestServer, clientId: string): Promise<void> {
  await endClient(server, clientId, { reason: 'the client was disabled', edit: { enabled: false } })
}

/** Ends every session of a client and renews its KV copy. The client stays. */
export async function endTokensOfClient(server: TestServer, clientId: string): Promise<void> {
  await endClient(server, clientId, { reason: 'its secret leaked' })
}

/** Sets the refresh policy of a client and renews its KV copy, as the admin API does. */
export async function setRefreshRules(
  server: TestServer,
  clientId: string,
  { policy, windowSeconds }: Rules,
): Promise<void> {
  const { clientSignOut, clients, clientAdmin } = server.services
  const context = server.context()
  const edit = { refreshPolicy: policy, refreshRetryWindowSeconds: windowSeconds }
  const before = await clientAdmin.find(clientId)
  if (before?.refreshPolicy === 'fixed' && policy !== 'fixed')
    await clientSignOut.reduce(
      clientId,
      { reason: 'the client left the refresh policy fixed', edit },
      context,
    )
  else await clientAdmin.change(clientId, edit, { versions: null, now: context.now }, [])
  await clients.renewCopy(clientId, context)
}

async function endClient(
  server: TestServer,
  clientId: string,
  revocation: { reason: string; edit?: { enabled: boolean } },
): Promise<void> {
  const { clientSignOut, clients } = server.services
  const context = server.context()
  await clientSignOut.end(clientId, revocation, context)
  await clients.renewCopy(clientId, context)
}
