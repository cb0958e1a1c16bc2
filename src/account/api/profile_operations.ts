import * as z from 'zod/mini'
import { DELETION_SECONDS } from '../../accounts/account_deletion.ts'
import { secondFactorOf } from '../../signin/second_factor.ts'
import { decodeProfile } from '../../users/profile.ts'
import { changeAddress } from '../operations/change_address.ts'
import { changeOwnPassword } from '../operations/change_own_password.ts'
import { downloadData } from '../operations/download_data.ts'
import { editProfile, requireRecord } from '../operations/edit_profile.ts'
import { scheduleDeletion } from '../operations/schedule_deletion.ts'
import { userOperation } from './api_operation.ts'
import { requiredText } from './required_text.ts'

const readAccount = userOperation({
  method: 'GET',
  path: '',
  summary: 'Returns the profile, the email address and the factors',
  needsProof: false,
  status: 200,
  async run({ signedIn: { user }, services }) {
    const { email, email_verified: isVerified, ...texts } = decodeProfile(`user ${user.id}`, user.profileJson)
    const { isRequired, hasApp, hasPasskey } = secondFactorOf(user, services.config)
    return {
      sub: user.id,
      username: user.username,
      profile: texts,
      email: email ?? null,
      email_verified: isVerified === true,
      factors: { authenticator_app: hasApp, passkey: hasPasskey, required: isRequired },
      created_at: user.createdAt,
      deletion_at: user.deletionAt,
    }
  },
})

const text = z.optional(z.nullable(z.string()))

const changeProfile = userOperation({
  method: 'PATCH',
  path: '',
  summary: 'Changes the texts in the body; `null` removes one. `locale` is a language tag (BCP 47)',
  needsProof: true,
  input: z.object({ name: text, given_name: text, family_name: text, locale: text }),
  status: 204,
  async run(call, texts) {
    const { version } = await requireRecord(call)
    await editProfile({ texts, version }, call)
    return undefined
  },
})

const changePassword = userOperation({
  method: 'POST',
  path: '/password',
  summary: 'Sets a new password, and ends every session of the user',
  needsProof: true,
  allowsRestricted: true,
  input: z.object({ current_password: requiredText, password: requiredText }),
  status: 204,
  async run(call, { current_password: current, password: next }) {
    await changeOwnPassword({ current, next }, call)
    return undefined
  },
})

const requestAddress = userOperation({
  method: 'POST',
  path: '/email',
  summary: 'Sends the mail that confirms a new address',
  needsProof: true,
  input: z.object({ email: requiredText }),
  status: 202,
  async run(call, { email: address }) {
    await changeAddress({ address, language: call.context.language ?? 'en' }, call)
    return {}
  },
})

const readData = userOperation({
  method: 'GET',
  path: '/data',
  summary: 'Returns the stored data',
  needsProof: true,
  status: 200,
  run: downloadData,
})

const requestDeletion = userOperation({
  method: 'POST',
  path: '/deletion',
  summary: 'Schedules the deletion of the account, and ends every session. The username confirms it',
  needsProof: true,
  input: z.object({ username: requiredText }),
  status: 202,
  async run(call, { username }) {
    await scheduleDeletion(username, call)
    return { deletion_at: call.context.now + DELETION_SECONDS }
  },
})

export const PROFILE_OPERATIONS = [readAccount, changeProfile, changePassword, requestAddress]
export const DATA_OPERATIONS = [readData, requestDeletion]
