import type { Operation } from './operations.ts'
import * as operations from './operations.ts'

/** A Worker that an operation is compared with: what no server of its kind can be faster than. */
export type YardstickName = 'constant' | 'hash' | 'rotation'

export interface Case {
  operation: Operation
  yardstick: YardstickName
  /** What was aimed at, as a ratio to the yardstick. */
  aim?: number
  roundMs?: number
  /** Whether what it does depends on how much is stored. */
  isGrowing?: boolean
}

export const YARDSTICKS: Readonly<Record<YardstickName, { title: string; operation: Operation }>> = {
  constant: { title: 'a constant', operation: operations.CONSTANT },
  hash: { title: 'the bare hash', operation: operations.CONSTANT },
  rotation: { title: 'the bare call', operation: operations.BARE_ROTATION },
}

/** A hash takes tens of milliseconds: with 256 callers a round must last for some of them each. */
const SLOW_ROUND_MS = 2500

export const CASES: readonly Case[] = [
  { operation: operations.MACHINE_TOKEN, yardstick: 'constant', aim: 0.45, isGrowing: true },
  { operation: operations.GUEST_TOKEN, yardstick: 'constant', aim: 0.45, isGrowing: true },
  {
    operation: operations.SIGN_IN_OPERATION,
    yardstick: 'hash',
    aim: 0.9,
    roundMs: SLOW_ROUND_MS,
    isGrowing: true,
  },
  { operation: operations.REFRESH, yardstick: 'rotation', aim: 0.8, isGrowing: true },
  { operation: operations.JWKS, yardstick: 'constant', aim: 0.85 },
  { operation: operations.METADATA, yardstick: 'constant' },
  { operation: operations.FEED, yardstick: 'constant', isGrowing: true },
  { operation: operations.INTROSPECTION, yardstick: 'constant', isGrowing: true },
  { operation: operations.REVOCATION, yardstick: 'constant', isGrowing: true },
]

/** What is counted beside the cases, for its price alone. `like` takes about as much processor time. */
export const PRICED: readonly { operation: Operation; like: Operation }[] = [
  { operation: operations.FIRST_REFRESH, like: operations.REFRESH },
  { operation: operations.MERGE, like: operations.SIGN_IN_OPERATION },
  { operation: operations.FAILED_SIGN_IN, like: operations.SIGN_IN_OPERATION },
  { operation: operations.PREFLIGHT, like: operations.JWKS },
  { operation: operations.RENEWED_FEED, like: operations.FEED },
]
