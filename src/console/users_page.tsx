import type * as z from 'zod/mini'
import { type userSchema, usersSchema } from '../admin/user_schemas.ts'
import type { Config } from '../config/config.ts'
import { formatQuery, pathOf } from './admin_client.ts'
import { STATES } from './clients_page.tsx'
import { CONSOLE_PATH } from './console_path.ts'
import type { Page } from './page.ts'
import { Empty, Heading, Link, Moment, Names, Pager, Table } from './parts.tsx'
import { SearchForm } from './search_form.tsx'
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
    const cursor = query.text('cursor')
    const { items, next_cursor: nextCursor } = await admin.read('/users', usersSchema, { ...filter, cursor })
    const next = nextCursor === null ? null : `/users${formatQuery({ ...filter, cursor: nextCursor })}`
    const pools = poolsOf(config).map((name) => ({ value: name, label: name }))
    return {
      title: 'Users',
      body: (
        <>
          <Heading
            title="Users"
            lead="Customers, staff and operators, in separate pools."
            actions={operator.isAdmin ? <NewUser /> : undefined}
          />
          <SearchForm
            action="/users"
            query={query}
            label="Part of a username, name or email"
            texts={[{ name: 'role', label: 'Role' }]}
            filters={[
              { name: 'pool', label: 'Pool', options: [{ value: '', label: 'Any' }, ...pools] },
              { name: 'enabled', label: 'State', options: STATES },
            ]}
          />
          {items.length === 0 ? (
            <Empty title="No users found">Try fewer letters.</Empty>
          ) : (
            <UsersTable users={items} />
          )}
          <Pager next={next} isFirst={cursor === ''} first={`/users${formatQuery(filter)}`} />
        </>
      ),
    }
  },
}

function NewUser() {
  return (
    <a class="button primary" href={`${CONSOLE_PATH}/users/new`}>
      New user
    </a>
  )
}

function UsersTable({ users }: { users: readonly ShownUser[] }) {
  return (
    <Table
      caption="Users"
      columns={['Username', 'Pool', 'Roles', 'State', 'Created']}
      rows={users.map((user) => [
        <>
          <Link to={pathOf`/users/${user.id}`}>{user.username}</Link>
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
      {user.password_breached ? <StateBadge state="breached-password" /> : null}
    </>
  )
}

/** The pools of the APIs in config.yml. */
export function poolsOf({ apis }: Config): string[] {
  return [...new Set([...apis.values()].map((api) => api.userPool))]
}
