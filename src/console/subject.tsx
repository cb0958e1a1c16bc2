import { pathOf } from './admin_client.ts'
import { Link } from './parts.tsx'

/** A link to a user or, for the id of a client, to the client. A guest has no page. */
export function Subject({ id }: { id: string }) {
  const text = <code class="id">{id}</code>
  if (id.startsWith('user:')) return <Link to={pathOf`/users/${id}`}>{text}</Link>
  return id.includes(':') ? text : <Link to={pathOf`/clients/${id}`}>{text}</Link>
}
