import { pathOf } from './admin_client.ts'
import { Link } from './parts.tsx'

/** A link to a user, or the id of a guest or a client. */
export function Subject({ id }: { id: string }) {
  const text = <code class="id">{id}</code>
  return id.startsWith('user:') ? <Link to={pathOf`/users/${id}`}>{text}</Link> : text
}
