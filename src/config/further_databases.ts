import * as z from 'zod/mini'
import { areUnique, databaseBinding } from './checks.ts'
import { requiredKey } from './key.ts'

/** A list reads all databases of a kind at the same time. */
const MAX_DATABASES = 16

/** The key `binding` of a D1 database beside the main database. */
export const furtherBinding = requiredKey('binding', {
  check: databaseBinding,
  description: 'The binding of the D1 database in `wrangler.toml`. It is not `DB`',
})

/** The checks of a list of D1 databases beside the main database. */
export const furtherDatabases = [
  z.maxLength(MAX_DATABASES, `must list at most ${MAX_DATABASES} databases`),
  z.refine<{ binding: string }[]>(areDistinct, 'must not list DB or a database twice'),
]

function areDistinct(databases: { binding: string }[]): boolean {
  return areUnique(['DB', ...databases.map(({ binding }) => binding)])
}
