import * as z from 'zod/mini'
import type { ClientRecord } from '../clients/client_record.ts'
import type { Config } from '../config/config.ts'
import { isPageOrigin } from '../config/page_origin.ts'
import type { ValueProblem } from '../lib/problems.ts'
import { CLIENT_GRANTS } from '../oauth/grant_type.ts'
import { SCOPE_TOKEN } from '../oauth/scope.ts'
import { invalidContent } from './problem.ts'
import { clientId, flag, listOf, named, pageOf, text } from './schemas.ts'

const grants = z
  .array(z.enum(CLIENT_GRANTS, `must be one of ${CLIENT_GRANTS.join(', ')}`), 'must be a list of grants')
  .check(
    z.minLength(1, 'must have at least one grant'),
    z.refine((items) => new Set(items).size === items.length, 'must not list a grant twice'),
  )
const scopes = listOf(
  z.string('must be a scope').check(z.regex(SCOPE_TOKEN, 'must be one scope token (RFC 6749 §3.3)')),
  'scopes',
)
const origins = listOf(z.string('must be an origin').check(isPageOrigin), 'origins')
const lifetime = (min: number, max: number) =>
  z.nullable(
    z
      .int(`must be seconds, from ${min} to ${max}, or null for those of the API`)
      .check(z.gte(min, `must be at least ${min} seconds`), z.lte(max, `must be at most ${max} seconds`)),
  )
const name = text(200, 'a name')

const editable = {
  name: z.optional(name),
  scopes: z.optional(scopes),
  origins: z.optional(origins),
  access_token_lifetime: z.optional(lifetime(60, 86_400)),
  refresh_token_lifetime: z.optional(lifetime(300, 31_536_000)),
}

/** What a client begins as. */
export const draftMembers = {
  client_id: clientId,
  api: z.string('must be the name of an API'),
  grants,
  ...editable,
  confidential: z.optional(flag),
  enabled: z.optional(flag),
}
export const draftSchema = named('ClientDraft', z.strictObject(draftMembers))
export type ClientDraft = z.output<typeof draftSchema>

export const editSchema = named(
  'ClientEdit',
  z
    .strictObject({ ...editable, grants: z.optional(grants) })
    .check(z.refine((edit) => Object.keys(edit).length > 0, 'must change something')),
)
export type ClientEditBody = z.output<typeof editSchema>

const secretSchema = named(
  'ClientSecret',
  z.strictObject({
    secret_id: z.string(),
    created_at: z.int(),
    expires_at: z.nullable(z.int()),
    last_used_at: z.nullable(z.int()),
  }),
)

const members = {
  client_id: z.string(),
  name: z.string(),
  api: z.string(),
  grants: z.array(z.enum(CLIENT_GRANTS)),
  scopes: z.array(z.string()),
  origins: z.array(z.string()),
  confidential: z.boolean(),
  enabled: z.boolean(),
  access_token_lifetime: z.nullable(z.int()),
  refresh_token_lifetime: z.nullable(z.int()),
  secrets: z.array(secretSchema),
  created_at: z.int(),
  updated_at: z.int(),
  last_used_at: z.nullable(z.int()),
}

export const clientSchema = named('Client', z.strictObject(members))
/** The one response that has the secret: nothing else ever shows it again. */
export const clientWithSecretSchema = named(
  'ClientWithSecret',
  z.strictObject({ ...members, client_secret: z.nullable(z.string()) }),
)
export const clientsSchema = pageOf('Clients', clientSchema)

/** A client as the wire has it. */
export function showClient(client: ClientRecord): z.output<typeof clientSchema> {
  return {
    client_id: client.id,
    name: client.name,
    api: client.api,
    grants: client.grants,
    scopes: client.scopes,
    origins: client.origins,
    confidential: client.confidential,
    enabled: client.enabled,
    access_token_lifetime: client.accessTokenLifetimeSeconds,
    refresh_token_lifetime: client.refreshTokenLifetimeSeconds,
    secrets: client.secrets.map(({ id, createdAt, expiresAt, lastUsedAt }) => ({
      secret_id: id,
      created_at: createdAt,
      expires_at: expiresAt,
      last_used_at: lastUsedAt,
    })),
    created_at: client.createdAt,
    updated_at: client.updatedAt ?? client.createdAt,
    last_used_at: client.lastUsedAt,
  }
}

/** What the rules between fields are asked of. */
interface Rules {
  api: string
  grants: readonly string[]
  scopes: readonly string[]
  confidential: boolean
}

/** What is wrong between the fields of a client, and with its API. */
export function findClientProblems(
  { api, grants, scopes, confidential }: Rules,
  config: Config,
): ValueProblem[] {
  const known = config.apis.get(api)
  if (!known) {
    const message = `must be one of ${[...config.apis.keys()].join(', ')}`
    return [{ path: 'api', message }]
  }
  const foreign = scopes.flatMap((scope, i) =>
    known.scopes.includes(scope)
      ? []
      : [{ path: `scopes.${i}`, message: `must be a scope of the API ${api}` }],
  )
  const needsSecret = !confidential && grants.includes('client_credentials')
  return [
    ...foreign,
    ...(needsSecret
      ? [
          {
            path: 'grants',
            message: 'must not have client_credentials: the client is public (RFC 6749 §4.4)',
          },
        ]
      : []),
  ]
}

/** @throws Problem 422 that lists them */
export function checkClient(rules: Rules, config: Config): void {
  const problems = findClientProblems(rules, config)
  if (problems.length > 0) throw invalidContent(problems)
}
