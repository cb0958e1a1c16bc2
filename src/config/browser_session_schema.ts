import * as z from 'zod/mini'
import { across } from './across.ts'
import { DAY, name, seconds } from './checks.ts'
import { type Check, type FileOf, keyWithDefault, mapping, type ValuesOf } from './key.ts'
import type { PerPool } from './pool_settings.ts'

const keysOfPool = {
  idleSeconds: keyWithDefault('idle', {
    check: seconds(300, 90 * DAY),
    default: 3600,
    description: 'The time without a request to a page after which the browser session ends',
  }),
  lifetimeSeconds: keyWithDefault('lifetime', {
    check: seconds(300, 365 * DAY),
    default: 12 * 3600,
    description: 'The longest lifetime of a browser session from its sign-in',
  }),
}

/** The lifetimes of the browser sessions of a pool, in seconds. */
export type BrowserSessionLimits = ValuesOf<typeof keysOfPool>

const limits = mapping(keysOfPool, [
  across(({ idle, lifetime }) => idle <= lifetime, 'idle', 'must be at most the lifetime'),
])

const pools: Check<Record<string, FileOf<typeof keysOfPool>>, PerPool<BrowserSessionLimits>> = {
  schema: z.record(name.schema, limits.schema, 'must be a mapping (user pool: lifetimes)'),
  read: (file) => ({
    listed: new Map(Object.entries(file).map(([pool, entry]) => [pool, limits.read(entry)])),
    other: limits.read(limits.schema.parse({})),
  }),
  unit: 'mapping by user pool',
  bounds: 'pools of `apis`',
  inner: { keys: keysOfPool, step: '.<pool>.' },
}

export const browserSessionKeys = {
  browserSessions: keyWithDefault('browser_sessions', {
    check: pools,
    default: {},
    description:
      'The lifetimes of browser sessions ([browser-sign-in.md](browser-sign-in.md#browser-sessions)). A pool that is not listed has the defaults',
  }),
}
