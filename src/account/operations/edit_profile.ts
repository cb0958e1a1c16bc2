import { InputRefused } from '../../browser/input_refused.ts'
import { PROFILE_FIELDS, type Profile } from '../../users/profile.ts'
import type { UserRecord } from '../../users/user_record.ts'
import { searchTextOf } from '../../users/user_search.ts'
import { type AccountCall, accountEvent } from './account_call.ts'

/** The texts of the profile that users can change. */
export const EDITABLE_TEXTS = ['name', 'given_name', 'family_name', 'locale'] as const
type EditableText = (typeof EDITABLE_TEXTS)[number]

interface ProfileEdit {
  /** The new texts. An empty one and null remove the text, and an absent one keeps it. */
  texts: Readonly<{ [T in EditableText]?: string | null | undefined }>
  /** The version of the record that the user changes. */
  version: number
}

/** The record of the caller. @throws StorageUnavailable, CorruptRecord */
export async function requireRecord({ signedIn, services }: AccountCall): Promise<UserRecord> {
  const record = await services.userAdmin.find(signedIn.user.id)
  if (record === null) throw new InputRefused({ kind: 'other_session' })
  return record
}

/** Changes the texts of the caller's profile. A repeated call changes nothing. @throws InputRefused, StorageUnavailable, CorruptRecord */
export async function editProfile({ texts, version }: ProfileEdit, call: AccountCall): Promise<void> {
  const { services, context } = call
  const given = EDITABLE_TEXTS.filter((name) => texts[name] !== undefined)
  const changes: Profile = Object.fromEntries(given.map((name) => [name, decode(name, texts[name] ?? '')]))
  const record = await requireRecord(call)
  if (given.every((name) => record.profile[name] === changes[name])) return
  const profile: Profile = { ...record.profile, ...changes }
  const edit = { profile, search: searchTextOf({ username: record.username, profile }) }
  const conditions = { versions: [version], adminPool: null, now: context.now }
  const event = accountEvent('the user changed the profile', call)
  const alongside = [services.audit.additionIfChanged(event, context)]
  const outcome = await services.userAdmin.change(record.id, edit, conditions, alongside)
  if (outcome.kind !== 'changed') throw new InputRefused({ kind: 'changed_meanwhile' })
}

/** @returns undefined for an empty text, which the profile then does not have */
function decode(field: EditableText, typed: string): string | undefined {
  const { input, maxlength } = PROFILE_FIELDS[field]
  const text = typed.trim()
  if (text === '') return undefined
  const parsed = input.safeParse(text)
  if (!parsed.success) throw new InputRefused({ kind: 'refused_text', field, longest: maxlength })
  return parsed.data
}
