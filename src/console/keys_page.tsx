import type * as z from 'zod/mini'
import { keySchema, keysSchema } from '../admin/keys.ts'
import { liveAlgorithms, PUBLISH_AHEAD_SECONDS } from '../keys/key_schedule.ts'
import { compact } from '../lib/compact.ts'
import { Confirm, confirmInRow } from './action_form.tsx'
import { pathOf } from './admin_client.ts'
import { AdminProblem, OWN_PASSWORD_FIELD } from './admin_problem.ts'
import { formatSpan } from './format.ts'
import { goTo, type Page, type PageRequest, type PageResponse } from './page.ts'
import { Empty, Heading, Moment, MomentOr, ProblemNote, Section } from './parts.tsx'
import { Table } from './table.tsx'
import { KEY_STATES, StateBadge } from './tones.tsx'
import { CONFIRM_FIELDS } from './typed_name.tsx'

type ShownKey = z.output<typeof keySchema>

const keysPage: Page = {
  method: 'GET',
  path: '/keys',
  role: 'support',
  handle: (request) => showKeys(request),
}

const rotate: Page = {
  method: 'POST',
  path: '/keys/rotate/:alg?',
  role: 'admin',
  async handle(request) {
    const { items } = await request.admin.read('/keys', keysSchema)
    const { alg = request.config.signingAlgorithm } = request.params
    const outcome = await request.admin.change(`/keys/rotate?${new URLSearchParams({ alg })}`, keySchema)
    const isUnchanged =
      !(outcome instanceof AdminProblem) &&
      items.some(({ kid, activates_at: at }) => kid === outcome.kid && at === outcome.activates_at)
    if (isUnchanged) return goTo('/keys', 'key-pending')
    return outcome instanceof AdminProblem
      ? showKeys(request, { problem: outcome, alg })
      : goTo('/keys', 'key-rotated')
  },
}

const revoke: Page = {
  method: 'POST',
  path: '/keys/:kid/revoke',
  role: 'admin',
  async handle(request) {
    const { kid = '' } = request.params
    const path = pathOf`/keys/${kid}`
    const ownPassword = request.form.text(OWN_PASSWORD_FIELD)
    const outcome = await request.admin.change(path, keySchema, { method: 'DELETE', ownPassword })
    return outcome instanceof AdminProblem
      ? showKeys(request, { problem: outcome, kid })
      : goTo('/keys', 'key-revoked')
  },
}

export const KEY_PAGES: readonly Page[] = [keysPage, rotate, revoke]

/** A refused action: the key that the operator wanted to revoke, or the algorithm to rotate. */
interface RefusedKeyAction {
  problem: AdminProblem
  kid?: string
  alg?: string
}

async function showKeys(
  request: PageRequest,
  refused: RefusedKeyAction | null = null,
): Promise<PageResponse> {
  const { admin, operator, now, csrfToken: csrf } = request
  const { items } = await admin.read('/keys', keysSchema)
  const published = items.filter(({ state }) => state !== 'retired')
  const retired = items.filter(({ state }) => state === 'retired')
  return compact({
    title: 'Keys',
    status: refused === null ? undefined : refused.problem.status,
    body: (
      <>
        <Heading
          title="Keys"
          lead="The keys that sign tokens. The server creates, rotates and retires them automatically."
        />
        {refused === null ? null : <ProblemNote problem={refused.problem} fields={CONFIRM_FIELDS} />}
        <Section id="published" title="Published in the JWKS">
          {published.length === 0 ? (
            <Empty title="No keys">The first token request creates a key.</Empty>
          ) : (
            <Published keys={published} now={now} refused={refused} csrf={operator.isAdmin ? csrf : null} />
          )}
        </Section>
        {operator.isAdmin
          ? liveAlgorithms(request.config).map((alg) => (
              <Rotate
                csrf={csrf}
                now={now}
                alg={alg}
                isMain={alg === request.config.signingAlgorithm}
                next={published.find((key) => key.alg === alg && key.state === 'next')}
                problem={refused?.alg === alg ? refused.problem : null}
              />
            ))
          : null}
        {retired.length === 0 ? null : (
          <Section id="retired" title="Retired keys">
            <Retired keys={retired} />
          </Section>
        )}
      </>
    ),
  })
}

interface RotateProps {
  csrf: string
  now: number
  alg: string
  /** Whether the algorithm is `signing_algorithm`. The others sign only ID tokens. */
  isMain: boolean
  /** The published key that signs next; undefined without such a key. */
  next: ShownKey | undefined
  problem: AdminProblem | null
}

/** The form that makes the next key sign early. If the action would change nothing, a note gives the reason instead. */
function Rotate({ csrf, now, alg, isMain, next, problem }: RotateProps) {
  const wait = formatSpan(PUBLISH_AHEAD_SECONDS)
  const label = isMain ? 'Rotate' : `Rotate ${alg}`
  const action = isMain ? '/keys/rotate' : `/keys/rotate/${alg}`
  const rotation = { csrf, label, page: '/keys', action, problem }
  if (next === undefined) {
    return (
      <Confirm
        {...rotation}
        title={isMain ? 'Publish a new signing key' : `Publish a new ${alg} key for ID tokens`}
      >
        A new key is published now. It starts to sign after {wait}. Every token stays valid.
      </Confirm>
    )
  }
  const earliest = Math.max(now, next.created_at + PUBLISH_AHEAD_SECONDS)
  const key = <code class="id">{next.kid}</code>
  if (next.activates_at <= earliest) {
    return (
      <p class="note">
        A rotation has started: the key {key} is published and starts to sign tokens{' '}
        <Moment at={next.activates_at} now={now} />. You can rotate again after that.
      </p>
    )
  }
  return (
    <Confirm {...rotation} title={`Sign early with the key ${next.kid}`}>
      The key {key} is published already. It signs from <Moment at={earliest} /> instead of{' '}
      <Moment at={next.activates_at} />. Every token stays valid.
    </Confirm>
  )
}

interface PublishedProps {
  keys: readonly ShownKey[]
  now: number
  refused: RefusedKeyAction | null
  /** The CSRF token; null if the operator cannot revoke a key. */
  csrf: string | null
}

function Published({ keys, now, refused, csrf }: PublishedProps) {
  return (
    <Table
      caption="Published keys"
      columns={['Key', 'State', 'Created', 'Signs from', 'Retires', ...(csrf === null ? [] : [''])]}
      rows={keys.map((key) => {
        const cells = [
          <>
            <KeyId kid={key.kid} />
            <span class="under">{key.alg}</span>
          </>,
          <StateBadge state={KEY_STATES[key.state]} />,
          <Moment at={key.created_at} />,
          <>
            <Moment at={key.activates_at} />
            {key.state === 'next' ? (
              <span class="under">
                <Moment at={key.activates_at} now={now} />
              </span>
            ) : null}
          </>,
          <MomentOr at={key.retires_at} none="Not yet known" />,
        ]
        return csrf === null ? cells : confirmInRow(cells, revocationOf(key, csrf, refused))
      })}
    />
  )
}

/** A key id, as the target of a link. */
function KeyId({ kid }: { kid: string }) {
  return (
    <span id={kid}>
      <code class="id">{kid}</code>
    </span>
  )
}

function revocationOf({ kid }: ShownKey, csrf: string, refused: RefusedKeyAction | null) {
  return {
    csrf,
    label: 'Revoke a compromised key',
    title: `Revoke the key ${kid} and every token that it signed`,
    page: '/keys',
    action: pathOf`/keys/${kid}/revoke`,
    passwordId: `own-password-${kid}`,
    problem: refused?.kid === kid ? refused.problem : null,
    isDangerous: true,
    children: (
      <>
        Use this action if another party may have the private key.{' '}
        <strong>All tokens of the key are refused</strong>. Users with such a token must sign in again, and
        you may be one of them. To replace a safe key, rotate instead.
      </>
    ),
  }
}

function Retired({ keys }: { keys: readonly ShownKey[] }) {
  return (
    <Table
      caption="Retired keys"
      columns={['Key', 'Algorithm', 'Signed from', 'Retired', 'Reason']}
      rows={keys.map((key) => [
        <KeyId kid={key.kid} />,
        key.alg,
        <Moment at={key.activates_at} />,
        key.retires_at === null ? null : <Moment at={key.retires_at} />,
        key.reason === 'compromised' ? <StateBadge state="compromised" /> : 'Its last token has expired',
      ])}
    />
  )
}
