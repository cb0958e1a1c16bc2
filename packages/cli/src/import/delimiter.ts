import type { ColumnPlan } from './column_plan.ts'

const DELIMITERS = [',', ';', '\t', '|']

/**
 * The delimiter with which a first line names more known columns, as an option.
 *
 * @param text The first line, as the file has it or joined again.
 * @returns such as `--delimiter ';'`; null if no other delimiter fits better
 */
export function suggestDelimiter(text: string, plan: ColumnPlan, delimiter: string): string | null {
  const countKnown = (candidate: string) =>
    plan.countKnown(text.split(candidate).map((name) => name.trim().replace(/^"|"$/g, '')))
  const [best] = DELIMITERS.map((candidate) => ({ candidate, count: countKnown(candidate) })).sort(
    (a, b) => b.count - a.count,
  )
  if (best === undefined || best.count <= countKnown(delimiter)) return null
  return `--delimiter ${best.candidate === '\t' ? "$'\\t'" : `'${best.candidate}'`}`
}
