import { hashSync } from 'bcryptjs'
import { encodeUtf8 } from '../bytes.ts'
import { HashRefused, type HashScheme } from './hash_scheme.ts'
import { passwordText } from './prehash.ts'

const FORM = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/

/** The length of the parameters and the salt. The hash, 31 characters, follows. */
const SETTINGS_LENGTH = 29

const MIN_COST = 4
const ROUNDS_PER_MS = 18

/** The default of Symfony since 5.3. */
const MAX_COST = 13

/** bcrypt ignores what comes after these bytes of a password. */
const BYTES_READ = 72

/**
 * bcrypt, of PHP (`$2y$`) and everyone else (`$2a$`, `$2b$`). For text in UTF-8 the three are the same. It looks at 72
 * bytes of a password, here as there.
 */
export const bcryptScheme: HashScheme = {
  name: 'bcrypt',
  isDigest: false,
  owns: (text) => /^\$2[a-z]?\$/.test(text),

  read(text) {
    const [whole, digits] = FORM.exec(text) ?? []
    if (whole === undefined) {
      throw new HashRefused(
        'broken',
        'bcrypt: not of the form $2a$, $2b$ or $2y$, two digits, $ and 53 characters',
      )
    }
    const cost = requireAffordable(Number(digits))
    const settings = text.slice(0, SETTINGS_LENGTH)
    return {
      scheme: 'bcrypt',
      cost: `cost=${cost}`,
      estimatedMs: 2 ** cost / ROUNDS_PER_MS,
      expected: encodeUtf8(text.slice(SETTINGS_LENGTH)),
      ignoresPartOf: (password) => password.length > BYTES_READ,
      compute: (password) => encodeUtf8(hashSync(passwordText(password), settings).slice(SETTINGS_LENGTH)),
    }
  },
}

function requireAffordable(cost: number): number {
  if (cost < MIN_COST) throw new HashRefused('broken', `bcrypt: no such cost: at least ${MIN_COST}`)
  if (cost > MAX_COST) {
    throw new HashRefused('time', `bcrypt: cost=${cost} takes too long: at most ${MAX_COST}`)
  }
  return cost
}
