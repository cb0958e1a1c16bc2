import type { AdminApi } from '../api/admin_api.ts'
import { CliError } from '../core/exit_code.ts'
import type { NumberedRow } from './batches.ts'
import { ColumnPlan, PLAIN_RULES } from './column_plan.ts'
import { readRows } from './import_file.ts'
import { RowRefused, requireText, textOf } from './row_values.ts'
import { keyOfUsername } from './user_rows.ts'

/** The maximum of known passwords. The server computes a hash for each. */
const MAX_PAIRS = 20

const COLUMNS = [
  { name: 'username', summary: 'a user of the file' },
  { name: 'password', summary: 'the password of the user' },
]

/** Passwords of a few users, by normalized username. */
export type KnownPasswords = ReadonlyMap<string, string>

/** Reads a CSV file with the columns `username` and `password`, both unchanged. @throws CliError */
export async function readKnownPasswords(path: string): Promise<KnownPasswords> {
  const plan = new ColumnPlan(COLUMNS, { ...PLAIN_RULES, nulls: [], isBackslashText: true })
  const known = new Map<string, string>()
  for await (const row of readRows({ path, format: 'csv', delimiter: null, plan })) {
    const problem = 'problems' in row ? row.problems.join('; ') : addPair(known, row.values)
    if (problem !== null) throw new CliError('failed', `${path}: line ${row.line}: ${problem}`)
  }
  if (known.size === 0) throw new CliError('failed', `${path} has no username and password`)
  if (known.size > MAX_PAIRS) throw new CliError('failed', `${path} has more than ${MAX_PAIRS} passwords`)
  return known
}

function addPair(known: Map<string, string>, values: Readonly<Record<string, unknown>>): string | null {
  try {
    const username = requireText(textOf(values, 'username'), 'username')
    known.set(keyOfUsername(username), requireText(textOf(values, 'password'), 'password'))
    return null
  } catch (error) {
    if (error instanceof RowRefused) return error.message
    throw error
  }
}

/** The outcome for one user: the scheme of the hash, and null or why the password does not match. */
export interface Verification {
  username: string
  scheme: string
  problem: string | null
}

/**
 * Sends the known passwords to the server, which checks them against the hashes of the rows. It changes nothing.
 *
 * @throws TokenRequestError if the server refuses the request or sends no response
 */
export async function verifyPasswords(
  rows: AsyncIterable<NumberedRow>,
  known: KnownPasswords,
  api: AdminApi,
): Promise<Verification[]> {
  const missing = new Set(known.keys())
  const results: Verification[] = []
  for await (const { name, row, password: scheme } of rows) {
    const key = keyOfUsername(String(row.username))
    const password = known.get(key)
    if (password === undefined || !missing.delete(key)) continue
    const problem = await findProblem(row.password_hash, password, api)
    results.push({ username: name, scheme: scheme ?? '', problem })
    if (missing.size === 0) break
  }
  const absent = [...missing].map((username) => ({
    username,
    scheme: 'no row',
    problem: 'the file has no row with this username that can be imported',
  }))
  return [...results, ...absent]
}

async function findProblem(hash: unknown, password: string, api: AdminApi): Promise<string | null> {
  if (typeof hash !== 'string') return 'the row has no hash'
  const { matches } = await api.read({
    operation: 'POST /users/import/verify',
    isRepeatable: true,
    body: { password_hash: hash, password },
  })
  return matches ? null : 'the password does not match the hash'
}
