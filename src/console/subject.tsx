import type { Child } from 'hono/jsx'
import { accountPoolOf } from '../clients/account_client.ts'
import { breakable } from '../pages/breakable.tsx'
import { pathOf } from './admin_client.ts'
import { Link } from './parts.tsx'

interface NamedProps {
  id: string
  /** The current name; null for a guest and for a deleted user or client. */
  name: string | null
}

/** A link to a user or, for the id of a client, to the client. A guest has no page. */
export function Subject({ id, name }: NamedProps) {
  if (id.startsWith('user:')) {
    return (
      <Link to={pathOf`/users/${id}`} title={id}>
        {nameOrId({ id, name })}
      </Link>
    )
  }
  if (!id.includes(':')) return <ClientLink id={id} name={name} />
  return <span title={id}>{nameOrId({ id, name })}</span>
}

/** A link to a client. The client of an account page is part of the server, so it has no page. */
export function ClientLink({ id, name }: NamedProps) {
  const pool = accountPoolOf(id)
  if (pool !== null) {
    return (
      <span title={id}>
        Account page<span class="under">Part of the server, for the pool {breakable(pool, 'column')}</span>
      </span>
    )
  }
  return (
    <Link to={pathOf`/clients/${id}`} title={id}>
      {nameOrId({ id, name })}
    </Link>
  )
}

export function TimelineLink({ sid }: { sid: string }) {
  return (
    <span class="nowrap">
      <Link to={pathOf`/sessions/${sid}`}>Timeline</Link>
    </span>
  )
}

/** The name, which breaks after a punctuation mark in a narrow column, or the id. */
export function nameOrId({ id, name }: NamedProps): Child {
  return name === null ? <code class="id">{id}</code> : breakable(name, 'column')
}
