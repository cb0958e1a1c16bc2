export function formatCount(count: number): string {
  return count.toLocaleString('en-US')
}

/** A number with its noun, such as `1 client` or `1,204 sessions`. */
export function countOf(count: number, one: string, several: string): string {
  return `${formatCount(count)} ${count === 1 ? one : several}`
}
