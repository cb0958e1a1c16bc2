import type * as z from 'zod/mini'
import type { consentsSchema } from '../admin/user_consents.ts'
import { breakable } from '../pages/breakable.tsx'
import { confirmInRow } from './action_form.tsx'
import { pathOf } from './admin_client.ts'
import { Moment, Section } from './parts.tsx'
import { ClientLink } from './subject.tsx'
import { Table } from './table.tsx'

export type ShownConsent = z.output<typeof consentsSchema>['items'][number]

interface ConsentsProps {
  consents: readonly ShownConsent[]
  userId: string
  csrf: string
  mayWithdraw: boolean
}

/** The third-party clients that the user allowed, each with an action that withdraws the consent; nothing without consents. */
export function Consents({ consents, userId, csrf, mayWithdraw }: ConsentsProps) {
  if (consents.length === 0) return null
  const page = pathOf`/users/${userId}`
  return (
    <Section id="consents" title="Consents">
      <Table
        caption="Third-party clients that the user allowed, newest first"
        columns={['Client', 'API', 'Scopes', 'Redirect URI', 'Given', ...(mayWithdraw ? [''] : [])]}
        rows={consents.map((consent) => {
          const cells = [
            <ClientLink id={consent.client_id} name={consent.client_name} />,
            consent.api,
            consent.scopes.join(', '),
            <code class="id">{breakable(consent.redirect_uri)}</code>,
            <Moment at={consent.updated_at} />,
          ]
          const action = pathOf`/users/${userId}/consents/${consent.consent_id}/withdraw`
          return mayWithdraw ? confirmInRow(cells, withdrawalOf(consent, { csrf, page, action })) : cells
        })}
      />
    </Section>
  )
}

function withdrawalOf(
  { client_id: id, client_name: name }: ShownConsent,
  form: { csrf: string; page: string; action: string },
) {
  return {
    ...form,
    label: 'Withdraw this consent',
    isDangerous: true,
    title: `Withdraw the consent to ${name ?? id}`,
    children:
      'The sessions that began under it end. The application asks the user again at the next sign-in.',
  }
}
