import * as z from 'zod/mini'

/**
 * A rule across fields. It also runs if a field is invalid, so that every problem is reported at once. It skips fields that it
 * cannot compare, because they have a message of their own.
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
