import * as z from 'zod/mini'

/** Secrets that other systems put into their hashes. A stored hash names its key and does not contain it. */
const keysSchema = z.strictObject({
  /** Devise's `config.pepper`. */
  devise: z.optional(z.string().check(z.minLength(1))),
  /** `base64_signer_key` of the project's password hash parameters. */
  'firebase-scrypt': z.optional(z.base64()),
  /** `_COOKIE_KEY_` of PrestaShop. */
  prestashop: z.optional(z.string().check(z.minLength(1))),
})

export type HashKeys = z.output<typeof keysSchema>
export type HashKeyName = keyof HashKeys

/** The value of the Worker secret HASH_KEYS: a JSON object. Null where it is malformed, empty where it is absent. */
export function parseHashKeys(text: string | undefined): HashKeys | null {
  if (text === undefined || text === '') return {}
  try {
    const result = z.safeParse(keysSchema, JSON.parse(text))
    return result.success ? result.data : null
  } catch {
    return null
  }
}
