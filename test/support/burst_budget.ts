/** A binding with a fixed budget for each key. */
export function budgetOf(size: number): RateLimit {
  const spent = new Map<string, number>()
  return {
    async limit({ key = '' }) {
      spent.set(key, (spent.get(key) ?? 0) + 1)
      return { success: (spent.get(key) ?? 0) <= size }
    },
  }
}
