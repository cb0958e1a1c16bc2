import { usersSchema } from '../admin/user_schemas.ts'
import { type AdminClient, formatQuery } from './admin_client.ts'
import { Empty, Link } from './parts.tsx'
import type { ShownUser } from './users_page.tsx'

/** The result of the search field `subject`. */
export interface SubjectSearch {
  subject: string
  /** The users with that username; empty for an id. */
  users: readonly ShownUser[]
  /** Whether the text is no id, and no user has it as username. */
  isUnknown: boolean
}

/** Resolves a username, of one pool if it is given, to a user id. It returns an id unchanged. */
export async function findSubject(admin: AdminClient, text: string, pool?: string): Promise<SubjectSearch> {
  const typed = text.trim()
  if (typed === '' || /^(?:user|visitor):/.test(typed)) return { subject: typed, users: [], isUnknown: false }
  const { items: users } = await admin.read('/users', usersSchema, { username: typed, pool })
  const [only] = users
  return { subject: users.length === 1 && only ? only.id : typed, users, isUnknown: users.length === 0 }
}

/** The content of an empty list whose filter has an unknown username. */
export function UnknownUser() {
  return <Empty title="No user has this username">Enter the whole username.</Empty>
}

interface UserChoiceProps {
  users: readonly ShownUser[]
  /** The path of the search page. */
  path: string
  /** The other filters. */
  filter?: Readonly<Record<string, string>>
}

export function UserChoice({ users, path, filter = {} }: UserChoiceProps) {
  return (
    <div class="note plain">
      <p>Several users have this username, in different pools:</p>
      <ul>
        {users.map(({ id, username, pool }) => (
          <li>
            <Link to={path + formatQuery({ ...filter, subject: id })}>
              {username} of {pool}
            </Link>
          </li>
        ))}
      </ul>
    </div>
  )
}
