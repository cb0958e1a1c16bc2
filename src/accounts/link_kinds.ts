import { base64url } from 'jose'
import * as z from 'zod/mini'
import { sha256 } from '../lib/bytes.ts'
import type { Profile } from '../users/profile.ts'
import type { User } from '../users/user.ts'
import type { UserRecord } from '../users/user_record.ts'
import type { LinkKind } from './account_links.ts'

const MINUTE = 60
const HOUR = 3600
const DAY = 86_400

const passwordSchema = z.object({ password: z.string(), address: z.nullable(z.string()) })

/** The password and the stored address for which a link was made. Another password or another address ends the link. */
export type PasswordLinkData = z.output<typeof passwordSchema>

const addressSchema = z.object({ address: z.string(), from: z.nullable(z.string()) })

/** The new address, and the verified address before it. */
export type AddressLinkData = z.output<typeof addressSchema>

/** A link to a page that sets a password. Its mail has the name of its purpose. */
export interface PasswordLinkKind extends LinkKind<PasswordLinkData> {
  purpose: 'reset_password' | 'invitation'
}

/** A user sets a new password without the old one. */
export const RESET_PASSWORD: PasswordLinkKind = {
  purpose: 'reset_password',
  page: 'reset-password',
  lifetimeSeconds: 30 * MINUTE,
  data: passwordSchema,
  isCurrent: isCurrentPassword,
  survivesSignOut: false,
}

/** A user whom an operator invited sets the first password. */
export const INVITATION: PasswordLinkKind = {
  ...RESET_PASSWORD,
  purpose: 'invitation',
  page: 'invitation',
  lifetimeSeconds: 7 * DAY,
}

/** A user confirms a new address. */
export const CONFIRM_ADDRESS: LinkKind<AddressLinkData> = {
  purpose: 'confirm_address',
  page: 'confirm-address',
  lifetimeSeconds: HOUR,
  data: addressSchema,
  isCurrent: ({ from }, { profile }) => verifiedAddressOf(profile) === from,
  survivesSignOut: false,
}

/** A user ends all sessions. An attacker with the password must not be able to end this link by a new password. */
export const END_SESSIONS: LinkKind<object> = {
  purpose: 'end_sessions',
  page: 'end-sessions',
  lifetimeSeconds: DAY,
  data: z.object({}),
  isCurrent: () => true,
  survivesSignOut: true,
}

/** The data of a link to a new password. */
export async function passwordLinkDataOf({
  passwordHash,
  profile,
}: Pick<User, 'passwordHash'> & { profile: Profile }): Promise<PasswordLinkData> {
  return { password: await fingerprintOf(passwordHash), address: profile.email ?? null }
}

async function isCurrentPassword(
  { password, address }: PasswordLinkData,
  user: UserRecord,
): Promise<boolean> {
  const current = await passwordLinkDataOf(user)
  return password === current.password && address === current.address
}

/** Each stored hash has a random salt, so its digest names one password of one user. */
async function fingerprintOf(passwordHash: string): Promise<string> {
  return base64url.encode(await sha256(passwordHash))
}

/** The address at which the user has proven to receive mail; null without one. */
export function verifiedAddressOf({ email, email_verified: isVerified }: Profile): string | null {
  return email !== undefined && isVerified === true ? email : null
}
