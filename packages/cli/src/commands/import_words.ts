import { countOf, formatCount } from '../core/count.ts'
import type { ImportKind } from '../import/import_kind.ts'
import type { Tally } from '../import/run_import.ts'

/** Describes a tally in one sentence. It names replaced hashes only if the count is not 0. */
export function describeTally(
  { created, updated, exists, refused }: Tally,
  { one, what }: ImportKind,
  verbs: { created: string; updated: string },
): string {
  return `${[
    `${countOf(created, one, what)} ${verbs.created}`,
    ...(updated === 0 ? [] : [`${countOf(updated, 'hash', 'hashes')} ${verbs.updated}`]),
    `${formatCount(exists)} ${exists === 1 ? 'already exists' : 'already exist'}`,
    `${countOf(refused, 'row', 'rows')} refused`,
  ].join(', ')}.`
}

/** Counts the hashes by scheme, the most frequent first. Null if no row has a password. */
export function describePasswords({ passwords }: Tally): string | null {
  const counts = Object.entries(passwords).sort(([, a], [, b]) => b - a)
  if (counts.length === 0) return null
  return `Password hashes: ${counts.map(([scheme, count]) => `${formatCount(count)} ${scheme}`).join(', ')}.`
}

/** The changes of the import, for the question to the operator; null if there are none. */
export function nameChanges({ created, updated }: Tally, { one, what }: ImportKind): string | null {
  const parts = [
    ...(created === 0 ? [] : [`create ${countOf(created, one, what)}`]),
    ...(updated === 0 ? [] : [`replace ${countOf(updated, 'hash', 'hashes')}`]),
  ]
  if (parts.length === 0) return null
  const text = parts.join(' and ')
  return text.charAt(0).toUpperCase() + text.slice(1)
}
