import { across } from './across.ts'
import { count, DAY, seconds } from './checks.ts'
import { convert, keyWithDefault, mapping, type ValuesOf } from './key.ts'

interface FailureDefaults {
  failures: number
  longestLock: number
}

const failureKeys = ({ failures, longestLock }: FailureDefaults) => ({
  failures: keyWithDefault('failures', {
    check: count(3, 1_000_000, 'failures'),
    default: failures,
    description: 'The number of failures that causes a lock',
  }),
  lockSeconds: keyWithDefault('lock', {
    check: seconds(1, 3600),
    default: 60,
    description: 'The duration of the first lock. Each further lock takes twice as long',
  }),
  longestLockSeconds: keyWithDefault('longest_lock', {
    check: seconds(1, DAY),
    default: longestLock,
    description: 'The duration of the longest lock, at least `lock`',
  }),
})

export type FailureLimits = ValuesOf<ReturnType<typeof failureKeys>>

const failureLimits = (defaults: FailureDefaults) =>
  mapping(failureKeys(defaults), [
    across(
      // The check of the key reports a value that is not a number.
      ({ lock, longest_lock }) => typeof longest_lock !== 'number' || !(longest_lock < lock),
      'longest_lock',
      'must not be shorter than lock',
    ),
  ])

const limitKeys = {
  account: keyWithDefault('account', {
    check: failureLimits({ failures: 10, longestLock: 3600 }),
    default: {},
    description: 'Limits for a username in a pool',
  }),
  address: keyWithDefault('address', {
    check: failureLimits({ failures: 100, longestLock: 3600 }),
    default: {},
    description: 'Limits for an IPv4 address or an IPv6 /64',
  }),
  site: keyWithDefault('site', {
    check: failureLimits({ failures: 300, longestLock: 3600 }),
    default: {},
    description: 'Limits for an IPv6 /56',
  }),
  network: keyWithDefault('network', {
    check: failureLimits({ failures: 1000, longestLock: 3600 }),
    default: {},
    description: 'Limits for an IPv6 /48 or an IPv4 /24',
  }),
  client: keyWithDefault('client', {
    check: failureLimits({ failures: 1000, longestLock: 600 }),
    default: {},
    description: 'Limits for a client',
  }),
  secondFactor: keyWithDefault('second_factor', {
    check: failureLimits({ failures: 10, longestLock: DAY }),
    default: {},
    description:
      'Limits for the second factors of a user: codes of authenticator apps, recovery codes and codes by mail. The server forgets these failures a day after the last one',
  }),
  memorySeconds: keyWithDefault('memory', {
    check: seconds(60, 30 * DAY),
    default: 3600,
    description: 'The time after which the server forgets failures',
  }),
}

export type SignInLimits = ValuesOf<typeof limitKeys>

/** Raises the limit of a network if the limit of a smaller network inside it is higher. */
function raiseNetworks({ address, site, network, ...others }: SignInLimits): SignInLimits {
  const atLeast = (limits: FailureLimits, failures: number) => ({
    ...limits,
    failures: Math.max(limits.failures, failures),
  })
  const raisedSite = atLeast(site, address.failures)
  return { ...others, address, site: raisedSite, network: atLeast(network, raisedSite.failures) }
}

export const signInLimitKeys = {
  signInLimits: keyWithDefault('sign_in_limits', {
    check: convert(mapping(limitKeys), raiseNetworks),
    default: {},
    description: 'The limits for failed sign-ins',
  }),
}
