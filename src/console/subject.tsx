import { pathOf } from './admin_client.ts'
import { Link } from './parts.tsx'

/** The id of a subject. The id of a user links to the user; guests and clients have no page. */
export function Subject({ id }: { id: string }) {
  const text = <code class="id">{id}</code>
  return id.startsWith('user:') ? <Link to={pathOf`/users/${id}`}>{text}</Link> : text
}
