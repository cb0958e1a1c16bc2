import type { PropsWithChildren } from 'hono/jsx'
import { breakable } from '../pages/breakable.tsx'
import { Confirm, confirmationsOf, type RefusedAction } from './action_form.tsx'
import { pathOf } from './admin_client.ts'
import { Section } from './parts.tsx'
import type { SupportView } from './support_view.tsx'
import type { TypedName } from './typed_name.tsx'
import type { ShownUser } from './users_page.tsx'

export type UserAction =
  | 'edit'
  | 'password'
  | 'unlock'
  | 'sign-out'
  | 'end-session'
  | 'withdraw-consent'
  | 'remove-factor'
  | 'require-password-change'
  | 'password-reset'
  | 'disable'
  | 'enable'
  | 'delete'
  | 'export'
  | 'erase'

interface ActionsProps {
  user: ShownUser
  support: SupportView | null
  etag: string
  csrf: string
  refused: RefusedAction<UserAction> | null
  isAdmin: boolean
  isOneself: boolean
  isOperator: boolean
  /** Whether the server sends mails. */
  sendsMails: boolean
  /** The number of live sessions, as words. */
  sessions: string
}

/** The actions for a user that the operator may use. @param children Another action */
export function Actions({ children, ...props }: PropsWithChildren<ActionsProps>) {
  const { user, support, etag, csrf, refused, isAdmin, isOneself, isOperator, sendsMails, sessions } = props
  const { username } = user
  const confirm = confirmationsOf<UserAction>({ csrf, page: pathOf`/users/${user.id}`, refused })
  return (
    <Section id="actions" title="Actions">
      <div class="confirms">
        {support?.canUnlock && !isOneself ? (
          <Confirm {...confirm('unlock', 'Unlock')} title={`Unlock ${username}`}>
            The user can sign in again at once, and the failed sign-ins are reset.
          </Confirm>
        ) : null}
        <Confirm
          {...confirm('sign-out', 'Sign out everywhere')}
          title={`End ${sessions} of ${username}`}
          isDangerous
        >
          All sessions of the user end, on every device. The user can sign in again.
        </Confirm>
        {user.must_change_password ? null : (
          <Confirm
            {...confirm('require-password-change', 'Require a password change')}
            title={`Require a password change of ${username}`}
          >
            New tokens of the user have the claim must_change_password. Applications can then ask for a
            password change.
          </Confirm>
        )}
        {sendsMails && user.enabled && user.profile.email !== undefined ? (
          <Confirm
            {...confirm('password-reset', 'Send a password reset')}
            title={`Send a password reset to ${username}`}
            {...(isOperator || !user.email_verified ? { passwordId: 'own-password-to-reset' } : {})}
          >
            The user gets a mail with a link to a new password at {breakable(user.profile.email)}. The present
            password works until the user sets the new one.
          </Confirm>
        ) : null}
        {children}
        {user.enabled && !isOneself ? (
          <Confirm
            {...confirm('disable', 'Disable')}
            title={`Disable ${username} and end ${sessions}`}
            isDangerous
          >
            The user cannot sign in, and all sessions of the user end.
          </Confirm>
        ) : null}
        {!user.enabled && isAdmin ? (
          <Confirm
            {...confirm('enable', 'Enable')}
            title={`Enable ${username}`}
            {...(isOperator && user.roles.includes('admin') ? { passwordId: 'own-password-to-enable' } : {})}
          >
            The user can sign in again. Earlier tokens stay revoked.
          </Confirm>
        ) : null}
        {isAdmin ? (
          <Confirm
            {...confirm('export', 'Export')}
            title={`Export the data of ${username}`}
            passwordId="own-password-to-export"
          >
            The file has the account, the sessions and the events of the user, without the password hash. The
            audit trail records the export.
          </Confirm>
        ) : null}
        {isAdmin && !isOneself ? (
          <Confirm
            {...confirm('delete', 'Delete')}
            title={`Delete ${username} and end ${sessions}`}
            etag={etag}
            typed={typedUsername(username)}
            isDangerous
          >
            The user is deleted, and all sessions of the user end. The audit trail keeps the id, networks,
            devices and countries. You cannot undo this.
          </Confirm>
        ) : null}
        {isAdmin && !isOneself ? (
          <Confirm
            {...confirm('erase', 'Erase')}
            title={`Erase ${username} and end ${sessions}`}
            typed={usernameToErase(username)}
            passwordId="own-password-to-erase"
            isDangerous
          >
            The user is deleted, and all sessions of the user end. Within minutes, the audit trail has a
            pseudonym in place of the id, and no network, device or country of the user. You cannot undo this.
          </Confirm>
        ) : null}
      </div>
    </Section>
  )
}

/** The name to type before the erasure of a user. */
export function usernameToErase(name: string): TypedName {
  return { label: 'Username to erase', name, id: 'typed-name-to-erase' }
}

/** The name to type before the deletion of a user. */
export function typedUsername(name: string): TypedName {
  return { label: 'Username to delete', name }
}
