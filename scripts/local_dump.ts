/** A local database of wrangler as SQL, one statement in each element, as `wrangler d1 export --local` writes it. */
export async function dumpDatabase(db: D1Database): Promise<string[]> {
  const [statements] = await db
    .prepare('PRAGMA miniflare_d1_export(?,?,?);')
    .bind(false, false)
    .raw<string[]>()
  if (statements === undefined) throw new Error('the export of a local database is empty')
  return statements
}

/** Replaces a local database by a dump, in one transaction, as a restore by Time Travel does. */
export async function loadDatabase(db: D1Database, statements: readonly string[]): Promise<void> {
  // The removal of a table can run the triggers of another one.
  const { results } = await db
    .prepare(
      `SELECT type, name FROM sqlite_schema WHERE type IN ('trigger', 'table') AND name NOT GLOB 'sqlite_*'
         AND name NOT GLOB '_cf_*' ORDER BY type DESC`,
    )
    .all<{ type: string; name: string }>()
  const drops = results.map(({ type, name }) => `DROP ${type} "${name}"`)
  await runStatements(db, ['PRAGMA defer_foreign_keys = TRUE', ...drops, ...statements])
}

/** Runs statements in one transaction. */
export async function runStatements(db: D1Database, statements: readonly string[]): Promise<void> {
  await db.batch(statements.map((sql) => db.prepare(sql)))
}
