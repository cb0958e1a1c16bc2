import * as z from 'zod/mini'
import { findOriginProblem } from './origin.ts'

/** The check of a web origin for CORS, with the message of `findOriginProblem`. */
export const isPageOrigin = z.refine<string>((text) => findOriginProblem(text) === null, {
  error: ({ input }) => findOriginProblem(String(input)),
})
