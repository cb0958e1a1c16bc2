import * as z from 'zod/mini'
import { passwordStateOf } from '../users/password_state.ts'
import { adminEvent } from './change.ts'
import { CONFIRMATION_SECONDS, makeConfirmation } from './confirmation.ts'
import { type Operation, operation } from './operation.ts'
import { requireOperator } from './permissions.ts'
import { requireOwnPassword } from './prove_password.ts'
import { named } from './schemas.ts'
import { password } from './user_schemas.ts'

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
const proofSchema = named('PasswordProof', z.strictObject({ current_password: password }))
export const confirmationSchema = named(
  'Confirmation',
  z.strictObject({ confirmation: z.string(), expires_in: z.int() }),
)

const readMe = operation({
  id: 'readMe',
  method: 'GET',
  path: '/me',
  summary: 'Returns the signed-in operator',
  tag: 'me',
  role: 'anyone',
  scope: null,
  status: 200,
  response: meSchema,
  async handle(call) {
    const { services } = call
    const { user, clientId, sid } = requireOperator(call)
    const { id, username, roles } = user
    const { mustChange, isBreached } = passwordStateOf(user, services.config)
    return {
      body: {
        id,
        username,
        roles,
        must_change_password: mustChange,
        password_breached: isBreached,
        client_id: clientId,
        sid,
      },
    }
  },
})

const confirmPassword = operation({
  id: 'confirmPassword',
  method: 'POST',
  path: '/me/confirm',
  summary: 'Checks the password of the operator and returns a confirmation, which some operations need',
  tag: 'me',
  role: 'admin',
  scope: null,
  body: proofSchema,
  status: 200,
  response: confirmationSchema,
  async handle(call) {
    const { services, context, body } = call
    const operator = requireOperator(call)
    await requireOwnPassword(call, body.current_password, 'confirmPassword')
    const about = { subject: operator.user.id, sid: operator.sid, change: { operation: 'confirmPassword' } }
    services.audit.record(adminEvent(call, 'the password was confirmed', about), context)
    return { body: { confirmation: await makeConfirmation(call), expires_in: CONFIRMATION_SECONDS } }
  },
})

export const ME_OPERATIONS: readonly Operation[] = [readMe, confirmPassword]
