import * as z from 'zod/mini'
import { findOriginProblem } from './origin.ts'

/** The check of a text that must be the origin of pages, with the message of `findOriginProblem`. */
export const isPageOrigin = z.refine<string>((text) => findOriginProblem(text) === null, {
  error: ({ input }) => findOriginProblem(String(input)),
})
