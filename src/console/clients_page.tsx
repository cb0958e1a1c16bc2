import type * as z from 'zod/mini'
import { type clientSchema, clientsSchema } from '../admin/client_schemas.ts'
import { pathOf } from './admin_client.ts'
import { readList, showList, sortsOf } from './list.tsx'
import { type ListAddress, readListAddress } from './list_address.ts'
import type { Page } from './page.ts'
import { Empty, Heading, LastUse, Link, Moment } from './parts.tsx'
import { Table } from './table.tsx'
import { EnabledBadge } from './tones.tsx'

export type ShownClient = z.output<typeof clientSchema>

/** The list of clients. */
export const clientsPage: Page = {
  method: 'GET',
  path: '/clients',
  role: 'support',
  async handle({ admin, operator, query, config, now }) {
    const filter = { q: query.text('q'), api: query.text('api'), enabled: query.text('enabled') }
    const address = readListAddress(query, { path: '/clients', filter, defaultSort: 'id' })
    const heading = (
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
    )
    const apis = [...config.apis.keys()].map((name) => ({ value: name, label: name }))
    return showList('Clients', heading, {
      address,
      query,
      filters: [
        { name: 'q', label: 'Part of an id or name' },
        { name: 'api', label: 'API', options: [{ value: '', label: 'Any' }, ...apis] },
        { name: 'enabled', label: 'State', options: STATES },
      ],
      page: await readList(admin, address, clientsSchema),
      empty: <Empty title="No clients found">Try fewer letters, or clear the search.</Empty>,
      table: (clients) => <ClientTable clients={clients} address={address} now={now} />,
    })
  },
}

export const STATES = [
  { value: '', label: 'Any' },
  { value: 'true', label: 'Enabled' },
  { value: 'false', label: 'Disabled' },
] as const

interface ClientTableProps {
  clients: readonly ShownClient[]
  address: ListAddress
  now: number
}

function ClientTable({ clients, address, now }: ClientTableProps) {
  return (
    <Table
      caption="Clients"
      columns={['Client', 'Name', 'API', 'Grants', 'State', 'Last used', 'Created']}
      sorts={sortsOf(address, { Client: 'id', Name: 'name', Created: '-created' })}
      rows={clients.map((client) => [
        <Link to={pathOf`/clients/${client.client_id}`}>{client.client_id}</Link>,
        <span class="name">{client.name}</span>,
        client.api,
        <>
          {client.grants.join(', ')}
          <span class="under">{client.confidential ? 'Confidential' : 'Public'}</span>
        </>,
        <EnabledBadge enabled={client.enabled} />,
        <LastUse at={client.last_used_at} now={now} />,
        <Moment at={client.created_at} />,
      ])}
    />
  )
}
