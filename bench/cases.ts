import * as codeFlow from './code_flow_operations.ts'
import { GUEST_WITH_PROOF } from './dpop_operations.ts'
import { GUEST_BY_KEY } from './key_client_operations.ts'
import type { Operation } from './operations.ts'
import * as operations from './operations.ts'
import type { Servers } from './servers.ts'
import * as signIns from './sign_in_operations.ts'

/** A Worker that does the minimum work of an operation, or a similar operation of the service. */
export type BaselineName =
  | 'constant'
  | 'hash'
  | 'rotation'
  | 'refresh'
  | 'introspection'
  | 'password'
  | 'guest'

interface Baseline {
  title: string
  operation: Operation
  server: keyof Servers
}

export interface Case {
  operation: Operation
  baseline: BaselineName
  /** The server of the operation, if it is not `service`. It has no prices of its own. */
  server?: keyof Servers
  /** The aim, as a ratio to the baseline. */
  aim?: number
  roundMs?: number
  /** Whether the work depends on the size of the database. */
  isGrowing?: boolean
}

export const BASELINES: Readonly<Record<BaselineName, Baseline>> = {
  constant: { title: 'a constant', operation: operations.CONSTANT, server: 'constant' },
  hash: { title: 'the bare hash', operation: operations.CONSTANT, server: 'hash' },
  rotation: { title: 'the bare call', operation: operations.BARE_ROTATION, server: 'rotation' },
  refresh: { title: 'a refresh', operation: operations.REFRESH, server: 'service' },
  password: { title: 'a password sign-in', operation: operations.SIGN_IN_OPERATION, server: 'service' },
  guest: { title: 'a guest token by secret', operation: operations.GUEST_TOKEN, server: 'service' },
  introspection: { title: 'an introspection', operation: operations.INTROSPECTION, server: 'service' },
}

/** A hash takes tens of milliseconds, so a round with 256 callers must be long. */
const SLOW_ROUND_MS = 2500
const SIGN_IN_ROUND_MS = 1500

export const CASES: readonly Case[] = [
  { operation: operations.MACHINE_TOKEN, baseline: 'constant', aim: 0.45, isGrowing: true },
  { operation: operations.GUEST_TOKEN, baseline: 'constant', aim: 0.45, isGrowing: true },
  // 1.6 times the processor time of a secret.
  { operation: GUEST_BY_KEY, baseline: 'guest', aim: 0.62 },
  // 1.5 times the processor time of a request without a proof.
  { operation: GUEST_WITH_PROOF, baseline: 'guest', aim: 0.67 },
  {
    operation: operations.SIGN_IN_OPERATION,
    baseline: 'hash',
    aim: 0.9,
    roundMs: SLOW_ROUND_MS,
    isGrowing: true,
  },
  { operation: operations.REFRESH, baseline: 'rotation', aim: 0.8, isGrowing: true },
  { operation: operations.REFRESH_IN_OBJECTS, server: 'objects', baseline: 'refresh', aim: 1.6 },
  { operation: operations.JWKS, baseline: 'constant', aim: 0.85 },
  { operation: operations.METADATA, baseline: 'constant' },
  { operation: operations.FEED, baseline: 'constant', isGrowing: true },
  { operation: operations.INTROSPECTION, baseline: 'constant', isGrowing: true },
  { operation: operations.REVOCATION, baseline: 'constant', isGrowing: true },
  { operation: codeFlow.AUTHORIZE, baseline: 'constant' },
  // 1.5 times the processor time of a refresh.
  { operation: codeFlow.CODE_EXCHANGE, baseline: 'refresh', aim: 0.67 },
  { operation: codeFlow.USERINFO, baseline: 'introspection', aim: 0.9 },
  { operation: codeFlow.DISCOVERY, baseline: 'constant' },
  { operation: signIns.EMAIL_CODE, baseline: 'password', aim: 20, roundMs: SIGN_IN_ROUND_MS },
  { operation: signIns.PASSKEY, baseline: 'password', aim: 20, roundMs: SIGN_IN_ROUND_MS },
]

/** Operations that are counted only for their price. `like` names an operation with similar processor time. */
export const PRICED: readonly { operation: Operation; like: Operation }[] = [
  { operation: operations.FIRST_REFRESH, like: operations.REFRESH },
  { operation: operations.MERGE, like: operations.SIGN_IN_OPERATION },
  { operation: operations.FAILED_SIGN_IN, like: operations.SIGN_IN_OPERATION },
  { operation: operations.PREFLIGHT, like: operations.JWKS },
  { operation: operations.RENEWED_FEED, like: operations.FEED },
]
