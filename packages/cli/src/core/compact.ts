/** Returns the members of an object whose values are not undefined. */
export function compact<T extends object>(row: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const members = Object.entries(row).filter(([, value]) => value !== undefined)
  return Object.fromEntries(members) as { [K in keyof T]?: Exclude<T[K], undefined> }
}
