import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Makes a file with the tables of all migrations and the rows of the scripts, as a local database has them. */
export function makeMigratedState(
  file: string,
  ...scripts: readonly string[]
): { file: string; database: DatabaseSync } {
  const database = new DatabaseSync(file)
  database.exec('CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY, name TEXT)')
  for (const migration of readdirSync('migrations').sort()) {
    database.exec(readFileSync(join('migrations', migration), 'utf8'))
    database.prepare('INSERT INTO d1_migrations (name) VALUES (?)').run(migration)
  }
  for (const script of scripts) database.exec(script)
  return { file, database }
}
