/** The longest email address: a path of RFC 5321 §4.5.3.1.3 without its angle brackets. */
export const MAX_EMAIL_CHARACTERS = 254

/** The rule for an email address, for the message of a refusal. */
export const EMAIL_RULE = 'must be an email address, such as zoe@example.com'

/** Parts of a local part that dots separate (RFC 5321 §4.1.2, RFC 6531 §3.3 for other scripts). Quoted local parts are refused. */
const ATOM = String.raw`[\p{L}\p{M}\p{N}!#$%&'*+/=?^_\x60{|}~-]+`

/** A label of a host name, in ASCII or in another script (RFC 5890 §2.3.2.3). It does not begin or end with a hyphen. */
const LABEL = String.raw`[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}-]{0,61}[\p{L}\p{M}\p{N}])?`

const EMAIL = new RegExp(`^(?=[^@]{1,64}@)${ATOM}(?:\\.${ATOM})*@${LABEL}(?:\\.${LABEL})*$`, 'u')

/** The stored form of an address. Addresses that differ only in case or in their Unicode form are the same address. */
export function normalizeEmail(address: string): string {
  return address.normalize('NFC').toLowerCase()
}

/** Whether a text is an email address. The one check for the admin API, imports, the console and the CLI. */
export function isEmail(text: string): boolean {
  return text.length <= MAX_EMAIL_CHARACTERS && EMAIL.test(text)
}
