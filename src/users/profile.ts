import { EMAIL_RULE, isEmail, MAX_EMAIL_CHARACTERS, normalizeEmail } from '@sallyport/formats/email'
import { findLocale, LOCALE_RULE, MAX_LOCALE_CHARACTERS } from '@sallyport/formats/locale'
import * as z from 'zod/mini'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'
import { text } from '../lib/input_schemas.ts'

const email = z
  .string(EMAIL_RULE)
  .check(
    z.maxLength(MAX_EMAIL_CHARACTERS, { error: EMAIL_RULE, abort: true }),
    z.overwrite(normalizeEmail),
    z.refine(isEmail, EMAIL_RULE),
  )
const locale = z.string(LOCALE_RULE).check(
  z.maxLength(MAX_LOCALE_CHARACTERS, { error: LOCALE_RULE, abort: true }),
  z.overwrite((tag) => findLocale(tag) ?? tag),
  z.refine((tag) => findLocale(tag) !== null, LOCALE_RULE),
)

interface ProfileField {
  /** The label of the form field, and the title in the OpenAPI document. */
  label: string
  /** One sentence for the OpenAPI document, the CLI and, unless the label says the same, the form. */
  description: string
  hasHint: boolean
  maxlength: number
  /** Checks a value that an operator sends, with messages. */
  input: z.ZodMiniType<string>
}

/**
 * The texts of a profile, by their names in JSON, in D1 and in the claims of OpenID Connect (Core §5.1). This table defines the
 * column `profile`, the admin API, its OpenAPI document, the form of the console and the CLI.
 */
export const PROFILE_FIELDS = {
  given_name: define({
    label: 'Given name',
    description: 'Given names',
    hasHint: false,
    maxlength: 100,
    input: text(100, 'a name'),
  }),
  family_name: define({
    label: 'Family name',
    description: 'Family names',
    hasHint: false,
    maxlength: 100,
    input: text(100, 'a name'),
  }),
  name: define({
    label: 'Name',
    description: 'Full name, for display',
    hasHint: true,
    maxlength: 200,
    input: text(200, 'a name'),
  }),
  email: define({
    label: 'Email',
    description: 'Email address, stored in lower case; a new address is not verified',
    hasHint: true,
    maxlength: MAX_EMAIL_CHARACTERS,
    input: email,
  }),
  locale: define({
    label: 'Locale',
    description: 'Language tag (BCP 47), such as de-CH',
    hasHint: true,
    maxlength: MAX_LOCALE_CHARACTERS,
    input: locale,
  }),
}
export type ProfileName = keyof typeof PROFILE_FIELDS

/** The texts that an operator can set. */
export type ProfileTexts = { [F in ProfileName]?: string | undefined }

/** The data of a user for operators, ID tokens and userinfo. Access tokens, log lines and audit events never contain it. */
export interface Profile extends ProfileTexts {
  /** Whether the user has proven to receive mail at `email`. */
  email_verified?: boolean | undefined
}

/** The fields in the order of the table, each with its name. */
export const PROFILE_FIELD_LIST = (Object.keys(PROFILE_FIELDS) as ProfileName[]).map((name) => ({
  name,
  ...PROFILE_FIELDS[name],
}))

/** The members of a profile that an operator sends. */
export const inputMembers = mapFields(({ input }) => z.optional(input))
/** The members of a profile in a response. */
export const textMembers = mapFields(() => z.optional(z.string()))

const profileSchema: z.ZodMiniType<Profile> = z.object({
  ...textMembers,
  email_verified: z.optional(z.boolean()),
})

/** Decodes the column `profile` of a user. @throws CorruptRecord */
export function decodeProfile(record: string, column: string): Profile {
  return decodeRecord(profileSchema, record, parseJsonColumn(record, column))
}

/** The profile after an operator replaced its texts. Only an unchanged address stays verified. */
export function replaceTexts(before: Profile, texts: ProfileTexts): Profile {
  return before.email_verified && texts.email === before.email ? { ...texts, email_verified: true } : texts
}

/** Adds the label and the description of a field to its schema, for the OpenAPI document. */
function define({ input, ...field }: ProfileField): ProfileField {
  const { label: title, description } = field
  return { ...field, input: input.clone().register(z.globalRegistry, { title, description }) }
}

function mapFields<S>(map: (field: ProfileField) => S) {
  return Object.fromEntries(PROFILE_FIELD_LIST.map((field) => [field.name, map(field)])) as Record<
    ProfileName,
    S
  >
}
