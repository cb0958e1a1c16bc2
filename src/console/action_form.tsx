import type { Child, PropsWithChildren } from 'hono/jsx'
import { randomId } from '../lib/bytes.ts'
import { compact } from '../lib/compact.ts'
import { breakable } from '../pages/breakable.tsx'
import { type FieldErrors, Input } from '../pages/fields.tsx'
import { Form } from '../pages/form.ts'
import { PostForm } from '../pages/post_form.tsx'
import { type AdminProblem, OWN_PASSWORD_FIELD } from './admin_problem.ts'
import { CONSOLE_PATH } from './console_path.ts'
import type { Row } from './table.tsx'
import { type TypedName, TypedNameField } from './typed_name.tsx'

/** The hidden field with the Idempotency-Key of a form that creates a record or a secret. */
export const IDEMPOTENCY_FIELD = 'idempotency_key'

const KEY_BYTES = 16

interface ActionFormProps {
  csrf: string
  /** A path below /console. */
  action: string
  /** The version of the record when the form was loaded. */
  etag?: string
  /** Whether the form creates a record or a secret. A repeat of the same form then gets the same one. */
  isSentOnce?: boolean
  kind?: 'form' | 'inline'
}

/** A form that posts to a page of the console. */
export function ActionForm({
  csrf,
  action,
  etag,
  isSentOnce = false,
  children,
  ...rest
}: PropsWithChildren<ActionFormProps>) {
  return (
    <PostForm csrfToken={csrf} action={CONSOLE_PATH + action} {...rest}>
      {etag === undefined ? null : <input type="hidden" name="etag" value={etag} />}
      {isSentOnce ? <input type="hidden" name={IDEMPOTENCY_FIELD} value={randomId(KEY_BYTES)} /> : null}
      {children}
    </PostForm>
  )
}

interface OwnPasswordProps {
  id: string
  hint: string
  required: boolean
  /** The errors of the form that has the field. */
  problem: FieldErrors | null
}

/** The operator's own password, for a change that needs a confirmation. */
export function OwnPassword({ id, hint, required, problem }: OwnPasswordProps) {
  return (
    <Input
      state={{ form: Form.of({}), problem }}
      name={OWN_PASSWORD_FIELD}
      id={id}
      label="Your own password"
      hint={hint}
      type="password"
      required={required}
      autocomplete="current-password"
    />
  )
}

/** A link that closes a confirmation: it loads the page again. */
export function Cancel({ page }: { page: string }) {
  return (
    <a class="button" href={CONSOLE_PATH + page}>
      Cancel
    </a>
  )
}

interface ConfirmProps {
  csrf: string
  /** The name of the action, on the button that opens the confirmation and on the button that sends it. */
  label: string
  /** The effect on the object, with counts, such as `End 3 sessions of storefront`. */
  title: string
  /** The path of the page with the action, below /console. */
  page: string
  action: string
  etag?: string
  /** Whether the action ends sessions, or deletes or revokes something. Its buttons are red. */
  isDangerous?: boolean
  isSentOnce?: boolean
  /** The id of a field for the operator's own password; absent if the action does not need it. */
  passwordId?: string
  /** The name that the operator must type; absent if the action does not need it. */
  typed?: TypedName
  /** The refusal of this action. With a refusal, the confirmation is open and shows the errors. */
  problem?: FieldErrors | null
}

/** A button that opens the description of an action, with a second button that performs the action. */
export function Confirm(props: PropsWithChildren<ConfirmProps>) {
  return (
    <details class="confirm" open={isRefused(props)}>
      <Summary {...props} />
      <Confirmation {...props} />
    </details>
  )
}

/**
 * The cells of a row of a table and the confirmation of its action. The last cell has the button that opens the confirmation, and
 * the confirmation has the width of the table.
 */
export function confirmInRow(cells: readonly Child[], props: PropsWithChildren<ConfirmProps>): Row {
  const toggle = (
    <details class="confirm" open={isRefused(props)}>
      <Summary {...props} />
    </details>
  )
  return { cells: [...cells, toggle], confirmation: <Confirmation {...props} /> }
}

function isRefused({ problem = null }: ConfirmProps): boolean {
  return problem !== null
}

function Summary({ label, isDangerous = false }: ConfirmProps) {
  return <summary class={isDangerous ? 'button danger' : 'button'}>{label}…</summary>
}

/** The description of an action, with the form that performs it. */
function Confirmation({
  csrf,
  label,
  title,
  page,
  action,
  etag,
  isDangerous = false,
  isSentOnce = false,
  passwordId,
  typed,
  problem = null,
  children,
}: PropsWithChildren<ConfirmProps>) {
  return (
    <div class="confirm-body">
      <p class="confirm-title">{breakable(title)}</p>
      <div class="confirm-text">{children}</div>
      <ActionForm csrf={csrf} action={action} kind="inline" isSentOnce={isSentOnce} {...compact({ etag })}>
        {typed === undefined ? null : <TypedNameField {...typed} problem={problem} />}
        {passwordId === undefined ? null : (
          <OwnPassword id={passwordId} hint="Required for this action." required problem={problem} />
        )}
        <div class="confirm-buttons">
          <button type="submit" class={isDangerous ? 'primary danger' : 'primary'}>
            {label}
          </button>
          <Cancel page={page} />
        </div>
      </ActionForm>
    </div>
  )
}

/** A refused action of a page. */
export interface RefusedAction<A extends string> {
  problem: AdminProblem
  /** The action whose form is open; absent for another form of the page. */
  action?: A
}

/** The refusal of an action; null if the action was not refused. */
export function problemOf<A extends string>(
  refused: RefusedAction<A> | null,
  action: A,
): AdminProblem | null {
  return refused?.action === action ? refused.problem : null
}

interface ConfirmationsProps<A extends string> extends Pick<ConfirmProps, 'csrf' | 'page'> {
  refused: RefusedAction<A> | null
}

interface FormVersion {
  /** The posted form; empty if none was posted. */
  form: Form
  /** The current version of the record. */
  etag: string
}

/**
 * The version of a record for a form of it. A refused form keeps the version that its operator saw, so that the corrected form
 * cannot overwrite a newer change. After a conflict the page shows the newer change, so the form gets the current version.
 */
export function versionOf(problem: AdminProblem | null, { form, etag }: FormVersion): string {
  return problem === null || problem.code === 'stale' || !form.has('etag') ? etag : form.text('etag')
}

/** The properties that the confirmations of a page share. The path of an action is that of the page and its name. */
export function confirmationsOf<A extends string>({ csrf, page, refused }: ConfirmationsProps<A>) {
  return (action: A, label: string) => ({
    csrf,
    page,
    label,
    action: `${page}/${action}`,
    problem: problemOf(refused, action),
  })
}
