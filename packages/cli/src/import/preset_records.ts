import { compact } from '../core/compact.ts'

type Members = Readonly<Record<string, unknown>>

function asMembers(value: unknown): Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}

function asList(value: unknown): Members[] {
  return Array.isArray(value) ? value.map(asMembers) : []
}

/** In some records the address and its verification are in `identifiers` alone. */
export function flattenAuth0(record: Members): Record<string, unknown> {
  const identifier = asList(record.identifiers).find(({ type }) => type === 'email')
  return {
    ...record,
    email: record.email ?? identifier?.value,
    email_verified: record.email === undefined ? identifier?.verified : record.email_verified,
  }
}

/** `Attributes` is a list of `{Name, Value}`. The username of a pool whose users sign in by email is their `sub`. */
export function flattenCognito({ Username, Enabled, Attributes }: Members): Record<string, unknown> {
  const attributes = Object.fromEntries(asList(Attributes).map(({ Name, Value }) => [String(Name), Value]))
  const isGenerated = Username === attributes.sub && attributes.email !== undefined
  return { ...attributes, username: isGenerated ? attributes.email : Username, enabled: Enabled }
}

/** A user has a list of credentials; that of the type `password` is kept as JSON, which is the form of its scheme. */
export function flattenKeycloak(record: Members): Record<string, unknown> {
  const credential = asList(record.credentials).find(({ type }) => type === 'password')
  const actions = Array.isArray(record.requiredActions) ? record.requiredActions : []
  return {
    ...record,
    ...compact({ credential: JSON.stringify(credential) }),
    ...(actions.includes('UPDATE_PASSWORD') ? { mustchangepassword: true } : {}),
  }
}
