import * as z from 'zod/mini'
import { confirmPassword } from '../users/confirm_password.ts'
import { breachedPassword, makePassword, type NewPassword } from '../users/create_user.ts'
import { MAX_PASSWORD_CHARACTERS, normalizeText } from '../users/password.ts'
import { passwordStandingOf } from '../users/password_standing.ts'
import { adminEvent, byOperator, requireChanged, settingOf } from './change.ts'
import { type Call, type Operation, operation } from './operation.ts'
import { Problem } from './problem.ts'
import { named } from './schemas.ts'
import { password } from './user_schemas.ts'
import { refuseAsProblem } from './users.ts'

const ownPasswordSchema = named('OwnPassword', z.strictObject({ current_password: password, password }))

const meSchema = named(
  'Me',
  z.strictObject({
    id: z.string(),
    username: z.string(),
    roles: z.array(z.string()),
    must_change_password: z.boolean(),
    password_breached: z.boolean(),
    client_id: z.string(),
    sid: z.string(),
  }),
)

const readMe = operation({
  id: 'readMe',
  method: 'GET',
  path: '/me',
  summary: 'Who is signed in',
  tag: 'me',
  role: 'anyone',
  status: 200,
  answer: meSchema,
  async handle({ operator: { user, clientId, sid }, services }) {
    const { id, username, roles } = user
    const { mustChange, isBreached } = passwordStandingOf(user, services.config)
    return {
      body: {
        ...{ id, username, roles, must_change_password: mustChange, password_breached: isBreached },
        ...{ client_id: clientId, sid },
      },
    }
  },
})

const changeOwnPassword = operation({
  id: 'changeOwnPassword',
  method: 'POST',
  path: '/me/password',
  summary: 'Sets a new password and ends every other session; refresh for an access token that lives',
  tag: 'me',
  role: 'anyone',
  body: ownPasswordSchema,
  status: 204,
  async handle(call) {
    const { services, context, operator, body } = call
    const { user, sid } = operator
    const change = { operation: 'changeOwnPassword' }
    const api = services.config.adminApi?.name ?? null
    const confirmation = { user, password: body.current_password, clientId: operator.clientId, api }
    const refusal = await confirmPassword(confirmation, services, context)
    if (refusal !== null) {
      const about = { subject: user.id, sid, change }
      services.audit.record({ ...adminEvent(call, refusal, about), outcome: 'refused' }, context)
      throw new Problem('wrong-password')
    }
    const password = await refuseAsProblem(() => makeOwnPassword(call, body))
    const cutOff = {
      reason: 'the password was changed',
      edit: { ...password, mustChangePassword: false, keptSid: sid },
      event: byOperator(call, change),
    }
    const outcome = await services.signOut.endUser(user.id, cutOff, context)
    requireChanged(outcome, 'user', () => new Problem('conflict'))
    return { body: undefined }
  },
})

/** Where the password of now is known to be in a breach, it is not set once more, whether anybody can be asked or not. */
async function makeOwnPassword(
  call: Call,
  { current_password: current, password }: z.output<typeof ownPasswordSchema>,
): Promise<NewPassword> {
  const { services, operator } = call
  const isSame = normalize(password) === normalize(current)
  if (isSame && passwordStandingOf(operator.user, services.config).isBreached) throw breachedPassword()
  return makePassword(password, services, settingOf(call, operator.user.id, 'changeOwnPassword'))
}

function normalize(text: string): string | null {
  return normalizeText(text, MAX_PASSWORD_CHARACTERS)
}

export const ME_OPERATIONS: readonly Operation[] = [readMe, changeOwnPassword]
