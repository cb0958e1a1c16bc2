import * as z from 'zod/mini'

/**
 * A rule across fields. It is asked where a field is wrong too, so that every problem is told at once; what it cannot
 * judge then is left to that field's own message.
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
