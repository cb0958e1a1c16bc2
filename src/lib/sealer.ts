import type * as z from 'zod/mini'

/** Encrypts values that a store, a queue or a client keeps. `TextSealer` (src/keys) implements it. */
export interface Sealer {
  sealValue(value: unknown): Promise<string>
  /** Opens a sealed value; null if no key opens it, or if the value does not match the schema. */
  openValue<T>(sealed: string, schema: z.ZodMiniType<T>): Promise<T | null>
}
