import type * as z from 'zod/mini'
import { type clientSchema, clientsSchema } from '../admin/client_schemas.ts'
import { formatQuery, pathOf } from './admin_client.ts'
import type { Page } from './page.ts'
import { Empty, Heading, Link, MomentOr, Pager, Table } from './parts.tsx'
import { SearchForm } from './search_form.tsx'
import { EnabledBadge } from './tones.tsx'

export type ShownClient = z.output<typeof clientSchema>

/** The list of clients. */
export const clientsPage: Page = {
  method: 'GET',
  path: '/clients',
  role: 'support',
  async handle({ admin, operator, query, config, now }) {
    const filter = { q: query.text('q'), api: query.text('api'), enabled: query.text('enabled') }
    const cursor = query.text('cursor')
    const { items, next_cursor: nextCursor } = await admin.read('/clients', clientsSchema, {
      ...filter,
      cursor,
    })
    const next = nextCursor === null ? null : `/clients${formatQuery({ ...filter, cursor: nextCursor })}`
    const apis = [...config.apis.keys()].map((name) => ({ value: name, label: name }))
    return {
      title: 'Clients',
      body: (
        <>
          <Heading
            title="Clients"
            lead="The applications that can get tokens."
            actions={
              operator.isAdmin ? (
                <a class="button primary" href="/console/clients/~new">
                  New client
                </a>
              ) : undefined
            }
          />
          <SearchForm
            action="/clients"
            query={query}
            label="Part of an id or name"
            filters={[
              { name: 'api', label: 'API', options: [{ value: '', label: 'Any' }, ...apis] },
              { name: 'enabled', label: 'State', options: STATES },
            ]}
          />
          {items.length === 0 ? (
            <Empty title="No clients found">Try fewer letters, or clear the search.</Empty>
          ) : (
            <ClientTable clients={items} now={now} />
          )}
          <Pager next={next} isFirst={cursor === ''} first={`/clients${formatQuery(filter)}`} />
        </>
      ),
    }
  },
}

export const STATES = [
  { value: '', label: 'Any' },
  { value: 'true', label: 'Enabled' },
  { value: 'false', label: 'Disabled' },
] as const

function ClientTable({ clients, now }: { clients: readonly ShownClient[]; now: number }) {
  return (
    <Table
      caption="Clients"
      columns={['Client', 'API', 'Grants', 'Kind', 'State', 'Last used']}
      rows={clients.map((client) => [
        <>
          <Link to={pathOf`/clients/${client.client_id}`}>{client.client_id}</Link>
          {client.name === client.client_id ? null : <span class="under">{client.name}</span>}
        </>,
        client.api,
        client.grants.join(', '),
        client.confidential ? 'Confidential' : 'Public',
        <EnabledBadge enabled={client.enabled} />,
        <MomentOr at={client.last_used_at} now={now} none="Never" />,
      ])}
    />
  )
}
