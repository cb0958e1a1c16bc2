import * as z from 'zod/mini'

/**
 * A rule for several fields together. It also runs if a field is invalid, so one run reports all problems. It skips an invalid
 * field, because the check of the field reports it.
 */
export function across<T>(isKept: (value: T) => boolean, path: string, message: string) {
  const rule = (value: unknown): boolean => {
    try {
      return isKept(value as T)
    } catch {
      return true
    }
  }
  return z.refine<T>(rule, { path: [path], message, when: () => true })
}
