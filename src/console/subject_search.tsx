import { foldUsername } from '@sallyport/formats/username'
import { usersSchema } from '../admin/user_schemas.ts'
import type { Form } from '../pages/form.ts'
import { type AdminClient, formatQuery } from './admin_client.ts'
import { Link } from './parts.tsx'
import type { ShownUser } from './users_page.tsx'

/** The result of a search by the field `subject`. */
export interface SubjectSearch {
  /** The id of the subject; the typed text if no or several users have that username. */
  subject: string
  /** The users with that username; empty if the text is an id. */
  users: readonly ShownUser[]
}

/** Finds the subject of a search. The operator types an id or a username. */
export async function findSubject(admin: AdminClient, query: Form): Promise<SubjectSearch> {
  const typed = query.text('subject').trim()
  if (typed === '' || /^(?:user|visitor):/.test(typed)) return { subject: typed, users: [] }
  const { items } = await admin.read('/users', usersSchema, { q: typed, limit: 20 })
  const users = items.filter(({ username }) => username === foldUsername(typed))
  const [only] = users
  return { subject: users.length === 1 && only ? only.id : typed, users }
}

interface UserChoiceProps {
  users: readonly ShownUser[]
  /** The page with the search, below /console. */
  path: string
  /** The other filters of the search. */
  filter?: Readonly<Record<string, string>>
}

export function UserChoice({ users, path, filter = {} }: UserChoiceProps) {
  return (
    <div class="note plain">
      <p>Several users in different pools have this username. Select one:</p>
      <ul>
        {users.map(({ id, username, pool }) => (
          <li>
            <Link to={path + formatQuery({ ...filter, subject: id })}>
              {username} (pool {pool})
            </Link>
          </li>
        ))}
      </ul>
    </div>
  )
}
