import { formatCount } from '../import/progress.ts'

export function countOf(count: number, one: string, several: string): string {
  return `${formatCount(count)} ${count === 1 ? one : several}`
}
