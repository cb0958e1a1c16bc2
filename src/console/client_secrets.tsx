import { Confirm, confirmInRow } from './action_form.tsx'
import { pathOf } from './admin_client.ts'
import type { AdminProblem } from './admin_problem.ts'
import type { ShownClient } from './clients_page.tsx'
import { Badge, LastUse, Moment, Section } from './parts.tsx'
import { Table } from './table.tsx'
import { StateBadge } from './tones.tsx'

interface ClientSecretsProps {
  client: ShownClient
  now: number
  csrf: string
  isAdmin: boolean
  /** Whether the client is a service account. */
  isAccount: boolean
  /** Whether a new secret needs the operator's own password. */
  needsPassword: boolean
  /** The refusal of a new secret. */
  problem: AdminProblem | null
}

type Secret = ShownClient['secrets'][number]

export function ClientSecrets(props: ClientSecretsProps) {
  const { client, now, csrf, isAdmin, isAccount, needsPassword, problem } = props
  const live = client.secrets.filter((secret) => isLive(secret, now))
  return (
    <Section id="secrets" title="Secrets">
      <Table
        caption="Secrets"
        columns={['Secret', 'State', 'Created', 'Last used', ...(isAdmin ? [''] : [])]}
        rows={client.secrets.map((secret) => {
          const cells = [
            <code>{secret.secret_id}</code>,
            <SecretState secret={secret} now={now} />,
            <Moment at={secret.created_at} />,
            <LastUse at={secret.last_used_at} now={now} />,
          ]
          if (!isAdmin) return cells
          return isLive(secret, now)
            ? confirmInRow(cells, retirementOf({ client, secret, csrf, isAccount }))
            : [...cells, null]
        })}
      />
      {isAdmin && live.length < 2 ? (
        <Confirm
          csrf={csrf}
          label="Add a secret"
          title={`Add a second secret to ${client.client_id}`}
          page={pathOf`/clients/${client.client_id}`}
          action={pathOf`/clients/${client.client_id}/secrets`}
          problem={problem}
          isSentOnce
          {...(needsPassword && { passwordId: 'own-password-for-secret' })}
        >
          The console shows the new secret once. Both secrets work until you retire one. Before you retire the
          old secret, give the new one to the application.
        </Confirm>
      ) : null}
    </Section>
  )
}

interface Retirement extends Pick<ClientSecretsProps, 'client' | 'csrf' | 'isAccount'> {
  secret: Secret
}

function retirementOf({ client, secret, csrf, isAccount }: Retirement) {
  return {
    csrf,
    label: 'Retire',
    title: `Retire the secret ${secret.secret_id} of ${client.client_id}`,
    page: pathOf`/clients/${client.client_id}`,
    action: pathOf`/clients/${client.client_id}/secrets/${secret.secret_id}/retire`,
    isDangerous: true,
    children: isAccount
      ? 'The secret and all earlier tokens of the account stop working at once. Request new tokens after about 7 s.'
      : 'The secret stops working at once. Tokens that were issued with it stay valid.',
  }
}

function SecretState({ secret, now }: { secret: Secret; now: number }) {
  if (secret.expires_at === null) return <StateBadge state="live" />
  return isLive(secret, now) ? (
    <Badge tone="warn">
      Ends <Moment at={secret.expires_at} now={now} />
    </Badge>
  ) : (
    <StateBadge state="retired" />
  )
}

function isLive({ expires_at: expiresAt }: Secret, now: number): boolean {
  return expiresAt === null || expiresAt > now
}
