import { readdirSync } from 'node:fs'
import type { Unstable_Config } from 'wrangler'
import * as z from 'zod/mini'
import { readWrangler } from './wrangler.ts'

type Database = Unstable_Config['d1_databases'][number]

const outputSchema = z.array(z.object({ results: z.array(z.object({ name: z.string() })) }))

/**
 * Reads which migrations a deployed database lacks. wrangler applies none and reports success if the operator declines them.
 *
 * @returns the names of their files. @throws WranglerFailed
 */
export async function findMissingMigrations(database: Database): Promise<string[]> {
  const {
    binding,
    migrations_dir: folder = 'migrations',
    migrations_table: table = 'd1_migrations',
  } = database
  const command = ['--json', '--command', `SELECT name FROM ${table}`]
  const output = await readWrangler(['d1', 'execute', binding, '--remote', ...command])
  const applied = new Set(
    outputSchema.parse(JSON.parse(output)).flatMap(({ results }) => results.map(({ name }) => name)),
  )
  const files = readdirSync(folder).filter((name) => name.endsWith('.sql'))
  return files.filter((name) => !applied.has(name)).toSorted()
}
