const CRYPT = 'neither Web Crypto nor node:crypto has it'

/** Hashes that name their own scheme and cannot be checked here. */
export const UNSUPPORTED: readonly { form: RegExp; name: string; reason: string }[] = [
  { form: /^\$argon2i\$/, name: 'argon2i', reason: 'only Argon2id is' },
  { form: /^\$argon2d\$/, name: 'argon2d', reason: 'only Argon2id is' },
  { form: /^\$2x?\$/, name: 'bcrypt $2x$ and $2$', reason: 'they were made by versions with a known error' },
  { form: /^\$1\$/, name: 'md5crypt', reason: CRYPT },
  { form: /^\$apr1\$/, name: 'Apache’s MD5', reason: CRYPT },
  { form: /^\$5\$/, name: 'sha256crypt', reason: CRYPT },
  { form: /^\$6\$/, name: 'sha512crypt', reason: CRYPT },
  { form: /^\$(?:y|gy|7)\$/, name: 'yescrypt', reason: CRYPT },
  { form: /^\$sha1\$/, name: 'sha1crypt', reason: CRYPT },
  { form: /^\$sm3\$/, name: 'sm3crypt', reason: CRYPT },
  { form: /^\{crypt\}/i, name: 'crypt', reason: 'give the hash without {CRYPT} where it is bcrypt' },
  {
    form: /^\{[\w.@-]+\}/,
    name: 'a scheme in braces',
    reason: 'only {bcrypt}, {argon2} and LDAP’s digests are',
  },
  {
    form: /^[a-z0-9_]+\$[^$]*\$/,
    name: 'a scheme of Django or Werkzeug',
    reason: 'docs/password-hashes.md does not have it',
  },
  { form: /^\$[\w-]+\$/, name: 'a scheme in PHC form', reason: 'docs/password-hashes.md does not have it' },
]
