import { pathOf } from './admin_client.ts'
import { Link } from './parts.tsx'

/** A user by a link; a guest or a machine by the id, which is all there is. */
export function Subject({ id }: { id: string }) {
  const text = <code class="id">{id}</code>
  return id.startsWith('user:') ? <Link to={pathOf`/users/${id}`}>{text}</Link> : text
}
