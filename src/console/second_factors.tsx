import type * as z from 'zod/mini'
import type { factorsSchema } from '../admin/user_factors.ts'
import { Confirm, confirmInRow } from './action_form.tsx'
import { pathOf } from './admin_client.ts'
import type { AdminProblem } from './admin_problem.ts'
import { formatCount } from './format.ts'
import { Moment, MomentOr, Section } from './parts.tsx'
import { Table } from './table.tsx'

export type ShownFactor = z.output<typeof factorsSchema>['items'][number]

interface SecondFactorsProps {
  factors: readonly ShownFactor[]
  user: { id: string; username: string }
  csrf: string
  now: number
  mayRemove: boolean
  /** Whether a removal needs the operator's own password. */
  isOperator: boolean
  /** The number of live sessions, as words. */
  sessions: string
  /** The refused removal; null if none was refused. */
  refused: RefusedRemoval | null
}

/** A refused removal. Without an id it is that of all factors. */
export interface RefusedRemoval {
  problem: AdminProblem
  factorId: string | undefined
}

const EFFECT =
  'The user signs in without it, and all sessions of the user end. If someone asks you to remove it, check first that this person is the user: an attacker who knows the password can ask for the same.'

/** The second factors and passkeys of a user, each with an action that removes it; nothing without factors. */
export function SecondFactors(props: SecondFactorsProps) {
  const { factors, now, mayRemove } = props
  if (factors.length === 0) return null
  return (
    <Section id="second-factors" title="Second factors">
      <Table
        caption="The authenticator app and the passkeys of the user"
        columns={['Factor', 'Added', 'Last used', ...(mayRemove ? [''] : [])]}
        rows={factors.map((factor) => {
          const cells = [
            <FactorName factor={factor} />,
            <Moment at={factor.created_at} />,
            <MomentOr at={factor.last_used_at} now={now} none="Never" />,
          ]
          return mayRemove ? confirmInRow(cells, removalOf(factor, props)) : cells
        })}
      />
      {mayRemove && factors.length > 1 ? <Confirm {...removalOf(null, props)} /> : null}
    </Section>
  )
}

function FactorName({ factor: { name, recovery_codes_left: left } }: { factor: ShownFactor }) {
  return (
    <>
      {name === null ? 'Authenticator app' : `Passkey “${name}”`}
      {left === null ? null : <span class="under">{`${formatCount(left)} recovery codes left`}</span>}
    </>
  )
}

/** The confirmation of a removal. @param factor Null for all factors */
function removalOf(
  factor: ShownFactor | null,
  { user, csrf, isOperator, sessions, refused }: SecondFactorsProps,
) {
  const page = pathOf`/users/${user.id}`
  const id = factor?.factor_id
  const action =
    id === undefined ? `${page}/remove-all-factors` : pathOf`/users/${user.id}/factors/${id}/remove`
  const isRefused = refused !== null && refused.factorId === id
  return {
    csrf,
    page,
    action,
    isDangerous: true,
    children: EFFECT,
    label: factor === null ? 'Remove all factors' : 'Remove this factor',
    title: `Remove ${describe(factor)} of ${user.username} and end ${sessions}`,
    problem: isRefused ? refused.problem : null,
    ...(isOperator ? { passwordId: `own-password-to-remove-${id ?? 'all'}` } : {}),
  }
}

function describe(factor: ShownFactor | null): string {
  if (factor === null) return 'all factors'
  return factor.name === null
    ? 'the authenticator app and the recovery codes'
    : `the passkey “${factor.name}”`
}
