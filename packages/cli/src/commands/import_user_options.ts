import { IMPORT_SCHEMES } from '@sallyport/formats/schemes/conversion/convert_hash'
import { isReadByOthers } from '../api/file_exposure.ts'
import type { Call } from '../core/command.ts'
import { countOf } from '../core/count.ts'
import { CliError, UsageError } from '../core/exit_code.ts'
import { choice, flag, type Option, text } from '../core/option.ts'
import { didYouMean } from '../core/suggest.ts'
import type { ImportRun } from '../import/run_import.ts'
import { readGoodRows, type Scan } from '../import/scan.ts'
import type { UserRowOptions } from '../import/user_rows.ts'
import { readKnownPasswords, verifyPasswords } from '../import/verify_passwords.ts'
import { findPreset, PRESET } from './import_options.ts'

const DEFAULT_POOL = text('pool', 'The pool of rows without a pool')
const HASH_SCHEME = text(
  'hash-scheme',
  'The hash scheme of rows without a hash_scheme (docs/password-hashes.md)',
  { value: 'NAME' },
)
const RESET = choice(
  'reset',
  'Import users without a password, who then need a password reset. missing: rows without a hash. unsupported: also rows with an unsupported hash',
  ['missing', 'unsupported'],
)
const UPDATE = flag('update', 'Replace the hashes of imported users who have not signed in since the import')
const EMAILS_VERIFIED = choice(
  'emails-verified',
  'Import email addresses as verified. all: every address. column: the addresses of rows whose email_verified is true',
  ['all', 'column'],
)
export const VERIFY_WITH = text(
  'verify-with',
  'A CSV file with username,password of a few users. If a password does not match its hash, the command imports nothing',
  { value: 'FILE' },
)

export const USER_OPTIONS: readonly Option[] = [
  DEFAULT_POOL,
  HASH_SCHEME,
  VERIFY_WITH,
  UPDATE,
  RESET,
  EMAILS_VERIFIED,
]

/** @throws UsageError */
export function readUserRowOptions({ input }: Call): UserRowOptions {
  const preset = findPreset(input.get(PRESET))
  const hasNoHashes = preset !== null && preset.hashScheme === null
  return {
    pool: input.get(DEFAULT_POOL),
    hashScheme: requireScheme(input.get(HASH_SCHEME)) ?? preset?.hashScheme ?? undefined,
    withoutPassword: input.get(RESET) ?? (hasNoHashes ? 'missing' : 'never'),
    replacesHashes: input.has(UPDATE),
    verifiedEmails: input.get(EMAILS_VERIFIED),
  }
}

/** @throws UsageError that lists the schemes */
function requireScheme(name: string | undefined): string | undefined {
  const names = IMPORT_SCHEMES.map((scheme) => scheme.name)
  if (name === undefined || names.includes(name)) return name
  const meant = didYouMean(name, names)
  throw new UsageError(`there is no hash scheme "${name}"${meant} Schemes are: ${names.join(', ')}.`)
}

/** @throws CliError if a password does not match. Nothing is imported then */
export async function verifyKnownPasswords(
  { api, terminal }: Call,
  run: ImportRun,
  { found, path }: { found: Scan; path: string },
): Promise<void> {
  const known = await readKnownPasswords(path)
  if (isReadByOthers(path)) {
    terminal.say(`Warning: other users of this machine can read ${path}, which has passwords. Run chmod 600.`)
  }
  const results = await verifyPasswords(readGoodRows(run.file, run.kind, found), known, api)
  const failed = results.filter(({ problem }) => problem !== null)
  if (failed.length === 0) {
    terminal.say(
      `Verified: ${countOf(results.length, 'known password matches its hash', 'known passwords match their hashes')}.`,
    )
    return
  }
  const lines = failed.map(({ username, scheme, problem }) => `  ${username} (${scheme}): ${problem}`)
  const advice = 'Check --hash-scheme, the columns of the file, and the passwords.'
  throw new CliError(
    'failed',
    ['Nothing was imported, because a known password does not match:', ...lines, advice].join('\n'),
  )
}
