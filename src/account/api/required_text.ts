import * as z from 'zod/mini'

/** A text that a body must have. An empty text counts as absent (RFC 6749 §3.1). */
export const requiredText = z.string().check(z.minLength(1))
