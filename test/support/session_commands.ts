import fc from 'fast-check'
import { REFRESH_POLICIES, type RefreshPolicy } from '../../src/oauth/refresh_policy.ts'
import type { Rules } from './session_policies.ts'

type UserName = 'ann' | 'bob'
type ClientName = 'web' | 'app'
type Caller = 'owner' | 'stranger'
/** A refresh token of a session, by its age. */
type Place = 'current' | 'predecessor' | 'older' | 'oldest'
/** What the client receives: the response, no response, or no response because the isolate stopped after the insertion. */
export type Fate = 'answered' | 'lost' | 'stopped'

/**
 * An action. A session is named by its position in the order of the sign-ins, modulo their number, and a code by its position from
 * the newest.
 */
export type Command =
  | { do: 'sign in'; who: 'guest' | UserName; password: 'current' | 'former'; client: ClientName }
  | { do: 'refresh'; session: number; token: Place; by: Caller }
  | { do: 'revoke'; session: number; token: 'refresh' | 'access'; by: Caller }
  | { do: 'exchange'; code: number; verifier: 'right' | 'wrong'; by: Caller; fate: Fate }
  | { do: 'log out' | 'withdraw consent'; code: number }
  | { do: 'change password'; who: UserName }
  | { do: 'sign out everywhere'; who: UserName }
  | { do: 'sign out client'; client: ClientName }

export type Step =
  | Command
  | { do: 'at once'; commands: Command[] }
  | { do: 'wait'; seconds: number; sweep: boolean }
  | { do: 'set policy'; client: ClientName; rules: Rules }
  | { do: 'authorize'; who: 'guest' | UserName; client: ClientName; place: 'main' | 'elsewhere' }

const HOUR = 3600
const DAY = 24 * HOUR

const user = pick({ ann: 3, bob: 1 })
const client = pick({ web: 3, app: 1 })
const session = fc.nat(3)
const by = pick({ owner: 9, stranger: 1 })

const signIn = fc.record({
  do: fc.constant('sign in'),
  // Guests are more frequent, because a sign-in of a user needs a hash.
  who: pick({ guest: 5, ann: 2, bob: 1 }),
  password: pick({ current: 9, former: 1 }),
  client,
})

const refresh = fc.record({
  do: fc.constant('refresh'),
  session,
  token: pick({ current: 4, predecessor: 3, older: 1 }),
  by,
})

const revoke = fc.record({
  do: fc.constant('revoke'),
  session,
  token: pick({ refresh: 1, access: 1 }),
  by,
})

/** The server issues a code without a write. `place` is the database of its session. */
const authorize: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('authorize'),
  who: pick({ guest: 1, ann: 3, bob: 1 }),
  client,
  place: pick({ main: 2, elsewhere: 1 }),
})

const code = pick({ newest: 4, older: 1 }).map((age) => (age === 'newest' ? 0 : 1))

const exchange = fc.record({
  do: fc.constant('exchange'),
  code,
  verifier: pick({ right: 9, wrong: 1 }),
  by,
  fate: pick({ answered: 8, lost: 1, stopped: 1 }),
})

/** The end of the browser session or of the consent of a code. */
const endOfCode = fc.record({ do: pick({ 'log out': 2, 'withdraw consent': 1 }), code })

const revocation = fc.oneof(
  fc.record({ do: fc.constant('sign out everywhere'), who: user }),
  fc.record({ do: fc.constant('change password'), who: user }),
  fc.record({ do: fc.constant('sign out client'), client }),
)

const command: fc.Arbitrary<Command> = fc.oneof(
  { arbitrary: refresh, weight: 7 },
  { arbitrary: exchange, weight: 4 },
  { arbitrary: signIn, weight: 2 },
  { arbitrary: endOfCode, weight: 1 },
  { arbitrary: revoke, weight: 1 },
  { arbitrary: revocation, weight: 1 },
)

/** Mostly within the retry window of 60 s or at its end, then the lifetimes of an access and a refresh token. */
const seconds = fc.oneof(
  { arbitrary: fc.constantFrom(1, 3, 30, 59, 60, 61), weight: 3 },
  { arbitrary: fc.constantFrom(HOUR - 1, HOUR, HOUR + 1, 5 * HOUR), weight: 1 },
  { arbitrary: fc.constantFrom(DAY, 20 * DAY, 30 * DAY - 1, 30 * DAY), weight: 1 },
)

const pause: fc.Arbitrary<Step> = fc.record({ do: fc.constant('wait'), seconds, sweep: fc.boolean() })

/** One command by several callers, or several commands. */
const atOnce = fc.record({
  do: fc.constant('at once'),
  commands: fc.oneof(
    fc.tuple(command, fc.integer({ min: 2, max: 5 })).map(([one, times]) => Array<Command>(times).fill(one)),
    fc.array(command, { minLength: 2, maxLength: 4 }),
  ),
})

/** A refresh of one of few sessions, so that a session has many refreshes. */
const busyRefresh = fc.record({
  do: fc.constant('refresh'),
  session: fc.nat(1),
  token: pick({ current: 5, predecessor: 3, older: 2, oldest: 1 }),
  by: pick({ owner: 19, stranger: 1 }),
})

/** Sequential commands of clients that begin with a policy. A client can get another policy in the middle. */
export function sequenceOf(policy: RefreshPolicy): fc.Arbitrary<Step[]> {
  const step = fc.oneof(
    { arbitrary: busyRefresh, weight: 10 },
    { arbitrary: command, weight: 3 },
    { arbitrary: pause, weight: 4 },
    { arbitrary: policyChange(), weight: 1 },
  )
  return withPolicy(policy, beginning(step, 14))
}

/** Parallel commands of clients with a policy. */
export function interleavingOf(policy: RefreshPolicy): fc.Arbitrary<Step[]> {
  const parallel = fc.array(fc.oneof({ arbitrary: busyRefresh, weight: 4 }, command), {
    minLength: 2,
    maxLength: 4,
  })
  const step = fc.oneof<fc.Arbitrary<Step>[]>(
    fc.record({ do: fc.constant('at once'), commands: parallel }),
    busyRefresh,
    pause,
  )
  return withPolicy(policy, beginning(step, 6))
}

function withPolicy(policy: RefreshPolicy, steps: fc.Arbitrary<Step[]>): fc.Arbitrary<Step[]> {
  return fc
    .tuple(policyChange(policy), policyChange(policy), steps)
    .map(([web, app, rest]) => [{ ...web, client: 'web' }, { ...app, client: 'app' }, ...rest])
}

function policyChange(policy?: RefreshPolicy) {
  return fc.record({
    do: fc.constant('set policy'),
    client,
    rules: fc.record({
      policy: policy === undefined ? fc.constantFrom(...REFRESH_POLICIES) : fc.constant(policy),
      windowSeconds: fc.constantFrom(60, 0, 3600),
    }),
  })
}

/** Sequential commands. */
export const sequence: fc.Arbitrary<Step[]> = beginning(
  fc.oneof(
    { arbitrary: command, weight: 6 },
    { arbitrary: authorize, weight: 1 },
    { arbitrary: pause, weight: 2 },
  ),
  11,
)

/** Parallel commands, and commands before them. */
export const interleaving: fc.Arbitrary<Step[]> = beginning(
  fc.oneof(
    { arbitrary: atOnce, weight: 2 },
    { arbitrary: command, weight: 2 },
    { arbitrary: authorize, weight: 1 },
    { arbitrary: pause, weight: 1 },
  ),
  5,
)

/** Steps after a first sign-in or a first code. */
function beginning(step: fc.Arbitrary<Step>, maxLength: number): fc.Arbitrary<Step[]> {
  return fc
    .tuple(
      fc.oneof<fc.Arbitrary<Step>[]>(signIn, authorize),
      fc.array(step, { minLength: 1, maxLength, size: 'max' }),
    )
    .map(([first, rest]) => [first, ...rest])
}

/** One of the keys by its weight. A counterexample is simplified towards the first key. */
function pick<K extends string>(weights: Record<K, number>): fc.Arbitrary<K> {
  const choices = Object.entries<number>(weights).map(([key, weight]) => ({
    arbitrary: fc.constant(key as K),
    weight,
  }))
  return fc.oneof({ withCrossShrink: true }, ...choices)
}
