import * as z from 'zod/mini'
import { isConfidential, secretsOf } from '../clients/client.ts'
import type { ClientRecord } from '../clients/client_record.ts'
import { findClientProblems } from '../clients/client_rules.ts'
import { draftMembers, editMembers, storedMembers, toWire } from '../clients/client_values.ts'
import type { Config } from '../config/config.ts'
import { invalidContent } from './problem.ts'
import { named, pageOf } from './schemas.ts'

export const draftSchema = named('ClientDraft', z.strictObject(draftMembers))

export const editSchema = named(
  'ClientEdit',
  z
    .strictObject(editMembers)
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
  ...storedMembers,
  secrets: z.array(secretSchema),
  created_at: z.int(),
  updated_at: z.int(),
  last_used_at: z.nullable(z.int()),
}

export const clientSchema = named('Client', z.strictObject(members))
export type ShownClient = z.output<typeof clientSchema>
/** The schema of the only responses with a secret. The server cannot show the secret again. */
export const clientWithSecretSchema = named(
  'ClientWithSecret',
  z.strictObject({ ...members, client_secret: z.nullable(z.string()) }),
)
export const clientsSchema = pageOf('Clients', clientSchema)

/** A client in the format of the admin API. */
export function showClient(client: ClientRecord): ShownClient {
  return {
    ...toWire({ ...client, confidential: isConfidential(client) }),
    secrets: secretsOf(client.authentication).map(({ id, createdAt, expiresAt, lastUsedAt }) => ({
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

/** @throws Problem 422 that lists every broken rule between the fields */
export function checkClient(values: Parameters<typeof findClientProblems>[0], config: Config): void {
  const problems = findClientProblems(values, config)
  if (problems.length > 0) throw invalidContent(problems)
}
