import * as z from 'zod/mini'

/**
 * Text of 1 to `max` characters. Control characters and unpaired surrogates are refused, because no store keeps them. Controls of the
 * direction of writing, such as U+202E, are refused, because they make a text look like another one.
 */
export function text(max: number, what = 'text') {
  return storableText(max, what).check(
    z.refine(
      (given) => !/\p{Bidi_Control}/u.test(given),
      'must not have a control of the direction of writing, such as U+202E',
    ),
  )
}

/** Text that a store keeps. The caller checks its characters. */
export function storableText(max: number, what: string) {
  const message = `must be ${what} of 1 to ${max} characters`
  return z
    .string(message)
    .check(
      z.minLength(1, message),
      z.maxLength(max, message),
      z.regex(/^[^\p{Cc}\p{Cs}]*$/u, { error: ({ input }) => describeForbidden(String(input)) }),
    )
}

/** Names the first control character or unpaired surrogate of a text. */
function describeForbidden(text: string): string {
  const [found = ''] = /[\p{Cc}\p{Cs}]/u.exec(text) ?? []
  const what = /\p{Cc}/u.test(found) ? 'control character' : 'unpaired surrogate'
  return `must not have the ${what} U+${(found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}

export const flag = z.boolean('must be true or false')

/** A list whose items differ from each other. */
export function listOf<T extends z.ZodMiniType<string>>(item: T, what: string, max = 100) {
  return z.array(item, `must be a list of ${what}`).check(
    z.maxLength(max, `must have at most ${max} ${what}`),
    z.refine((items) => new Set(items).size === items.length, `must not list one of the ${what} twice`),
  )
}
