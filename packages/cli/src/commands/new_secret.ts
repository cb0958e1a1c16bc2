import type { Client, ClientWithSecret } from '../api/schemas.ts'
import type { Call } from '../core/command.ts'
import { countOf } from '../core/count.ts'
import { JSON_OUTPUT } from '../core/input.ts'
import { formatFields } from '../core/table.ts'
import { formatJson, printJson } from './output.ts'
import { adviceForSecret } from './secret_output.ts'

const SHOWN_ONCE = 'The secret cannot be shown again.'

/** Prints the secret of a new client, then the values that its application needs. */
export function printNewClient(call: Call, client: ClientWithSecret): void {
  const kind = client.confidential ? 'It authenticates with its keys' : 'It is public'
  const about = client.client_secret === null ? `${kind} and has no secret.` : SHOWN_ONCE
  const secretId = client.secrets[0]?.secret_id
  print(call, client, { secretId, sentence: `Created the client ${client.client_id}. ${about}` })
  if (!hasScopes(client)) call.terminal.say(adviceForScopes(client.client_id))
}

/** Whether the tokens of a sign-in by browser can have scopes of the API. True for a client without such sign-ins. */
function hasScopes({ grants, scopes }: Client): boolean {
  return !grants.includes('authorization_code') || scopes.length > 0
}

function adviceForScopes(id: string): string {
  return (
    'It has no scopes, so an API that checks scopes refuses its tokens. ' +
    `Add them with "clients update ${id} --scopes SCOPE,SCOPE".`
  )
}

/**
 * Prints a further secret of a client, then the values that its application needs.
 *
 * @param before The secrets that the client had before.
 */
export function printNewSecret(call: Call, client: ClientWithSecret, before: Client['secrets']): void {
  const { client_id: id, secrets } = client
  const known = before.map(({ secret_id }) => secret_id)
  const secretId = secrets.map(({ secret_id }) => secret_id).find((added) => !known.includes(added))
  const count = countOf(secrets.length, 'secret', 'secrets')
  const sentence = `Added the secret ${secretId} to the client ${id}: it has ${count}. ${SHOWN_ONCE}`
  print(call, client, { secretId, sentence })
}

/** Prints only the secret to stdout, so that a script can store it. The secret comes first: no later failure can lose it. */
function print(
  call: Call,
  client: ClientWithSecret,
  { secretId, sentence }: { secretId: string | undefined; sentence: string },
): void {
  const { terminal, input, api } = call
  const { client_id: id, client_secret: secret } = client
  const isJson = input.has(JSON_OUTPUT)
  if (secret !== null)
    terminal.printSecret(isJson ? formatJson(client) : secret, adviceForSecret(id, secretId))
  else if (isJson) printJson(call, client)
  if (isJson) return
  const facts = [
    ['client id', id],
    ['token URL', api.tokenUrl],
  ] as const
  terminal.say(`${sentence}\n${formatFields(facts)}`)
}
