import * as z from 'zod/mini'
import { requirePassword } from '../users/create_user.ts'
import { passwordForms } from '../users/password.ts'
import { adminEvent, byOperator, requireChanged } from './change.ts'
import { type Operation, operation } from './operation.ts'
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
  async handle({ operator: { user, clientId, sid } }) {
    const { id, username, roles, mustChangePassword } = user
    return {
      body: { id, username, roles, must_change_password: mustChangePassword, client_id: clientId, sid },
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
    const current = passwordForms(body.current_password)
    const isProven = current !== null && (await services.passwords.verify(current, user.passwordHash))
    const change = { operation: 'changeOwnPassword' }
    if (!isProven) {
      const about = { subject: user.id, sid, change }
      const event = { ...adminEvent(call, 'wrong current password', about), outcome: 'refused' } as const
      services.audit.record(event, context)
      throw new Problem('wrong-password')
    }
    const passwordHash = await refuseAsProblem(() => services.passwords.hash(requirePassword(body.password)))
    const cutOff = {
      reason: 'the password was changed',
      edit: { passwordHash, mustChangePassword: false, keptSid: sid },
      event: byOperator(call, change),
    }
    const outcome = await services.signOut.endUser(user.id, cutOff, context)
    requireChanged(outcome, 'user', () => new Problem('conflict'))
    return { body: undefined }
  },
})

export const ME_OPERATIONS: readonly Operation[] = [readMe, changeOwnPassword]
