import type * as z from 'zod/mini'
import { poolsOf } from '../admin/known_values.ts'
import { type userSchema, usersSchema } from '../admin/user_schemas.ts'
import { breakable } from '../pages/breakable.tsx'
import { pathOf } from './admin_client.ts'
import { STATES } from './clients_page.tsx'
import { CONSOLE_PATH } from './console_path.ts'
import { readList, showList, sortsOf } from './list.tsx'
import { type ListAddress, readListAddress } from './list_address.ts'
import type { Page } from './page.ts'
import { Empty, Heading, Link, Moment, Names } from './parts.tsx'
import { Table } from './table.tsx'
import { EnabledBadge, StateBadge } from './tones.tsx'

export type ShownUser = z.output<typeof userSchema>

/** The list of users. */
export const usersPage: Page = {
  method: 'GET',
  path: '/users',
  role: 'support',
  async handle({ admin, operator, query, config }) {
    const filter = {
      q: query.text('q'),
      pool: query.text('pool'),
      role: query.text('role'),
      enabled: query.text('enabled'),
    }
    const address = readListAddress(query, { path: '/users', filter, defaultSort: 'username' })
    const heading = (
      <Heading
        title="Users"
        lead="Customers, staff and operators, in separate pools."
        actions={operator.isAdmin ? <NewUser /> : undefined}
      />
    )
    const pools = poolsOf(config).map((name) => ({ value: name, label: name }))
    return showList('Users', heading, {
      address,
      query,
      filters: [
        { name: 'q', label: 'Part of a username, name or email' },
        { name: 'role', label: 'Role' },
        { name: 'pool', label: 'Pool', options: [{ value: '', label: 'Any' }, ...pools] },
        { name: 'enabled', label: 'State', options: STATES },
      ],
      page: await readList(admin, address, usersSchema),
      empty: <Empty title="No users found">Try fewer letters, or clear the search.</Empty>,
      table: (users) => <UsersTable users={users} address={address} />,
    })
  },
}

function NewUser() {
  return (
    <a class="button primary" href={`${CONSOLE_PATH}/users/new`}>
      New user
    </a>
  )
}

function UsersTable({ users, address }: { users: readonly ShownUser[]; address: ListAddress }) {
  return (
    <Table
      caption="Users"
      columns={['Username', 'Pool', 'Roles', 'State', 'Created']}
      sorts={sortsOf(address, { Username: 'username', Created: '-created' })}
      rows={users.map((user) => [
        <>
          <Link to={pathOf`/users/${user.id}`}>{breakable(user.username, 'column')}</Link>
          <NameWarnings user={user} />
          {user.profile.name === undefined ? null : <span class="under">{user.profile.name}</span>}
        </>,
        user.pool,
        <Names names={user.roles} />,
        <UserState user={user} />,
        <Moment at={user.created_at} />,
      ])}
    />
  )
}

/** The warnings about a username. A name with mixed scripts can look like another name. */
export function NameWarnings({ user }: { user: ShownUser }) {
  return user.username_warnings.map((warning) => (
    <span class="under">
      <StateBadge state="confusable-name" /> The name {warning}.
    </span>
  ))
}

export function UserState({ user }: { user: ShownUser }) {
  return (
    <>
      <EnabledBadge enabled={user.enabled} />{' '}
      {user.must_change_password ? <StateBadge state="password-change" /> : null}{' '}
      {user.password_breached ? <StateBadge state="breached-password" /> : null}{' '}
      {user.deletion_at === null ? null : <StateBadge state="deletion-scheduled" />}
    </>
  )
}
