/** The texts that exports of databases write for NULL: MySQL, PostgreSQL, SQL Server, SQL*Plus, DataGrip, DBeaver. */
export const NULL_MARKERS: readonly string[] = ['\\N', 'NULL', 'null', '(null)', '[NULL]', '<null>']

/** Whether a value of a file stands for no value. An empty text and the null of JSON always do. */
export function isNull(value: unknown, markers: readonly string[]): boolean {
  if (value === null || value === undefined || value === '') return true
  return typeof value === 'string' && markers.includes(value.trim())
}

/** The item of a list that is a NULL marker; null if no item is. */
export function findNullItem(items: readonly unknown[], markers: readonly string[]): string | null {
  const found = items.find((item) => typeof item === 'string' && markers.includes(item.trim()))
  return typeof found === 'string' ? found.trim() : null
}
