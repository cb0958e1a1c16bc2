import { bcryptScheme } from './bcrypt_scheme.ts'
import { HashRefused, type HashScheme } from './hash_scheme.ts'
import { isTrimmable, PREHASHES } from './prehash.ts'

const NAMES = Object.keys(PREHASHES)
const FORM = new RegExp(`^\\$(${NAMES.join('|')})(\\$2.*)$`)

/** bcrypt of a changed password: `$wordpress$2y$10$…`, `$django-sha256$2b$12$…`, `$devise$2a$12$…`. */
export const prehashedBcryptScheme: HashScheme = {
  name: 'prehashed bcrypt',
  isDigest: false,
  owns: (text) => NAMES.some((name) => text.startsWith(`$${name}$2`)),

  read(text) {
    const [, name = '', rest = ''] = FORM.exec(text) ?? []
    const prehash = PREHASHES[name]
    if (prehash === undefined) throw new HashRefused('broken', 'bcrypt: not a bcrypt hash after the name')
    const { compute, cost, ignoresPartOf, ...bcrypt } = bcryptScheme.read(rest)
    return {
      ...bcrypt,
      scheme: name,
      cost: `bcrypt ${cost}`,
      ...(prehash.key === undefined ? {} : { key: prehash.key }),
      ignoresPartOf: (password) =>
        (prehash.isTrimmed && isTrimmable(password)) ||
        (!prehash.isDigest && ignoresPartOf?.(password) === true),
      compute: (password, tools) => compute(prehash.apply(password, tools), tools),
    }
  },
}
