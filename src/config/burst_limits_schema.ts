import { count } from './checks.ts'
import { type Key, keyWithDefault, mapping } from './key.ts'

function budget<Name extends string>(
  name: Name,
  perMinute: number,
  description: string,
): Key<Name, number, number> {
  return keyWithDefault(name, {
    check: count(1, 1_000_000, 'requests a minute'),
    default: perMinute,
    description,
  })
}

const budgetKeys = {
  sign_ins: budget(
    'sign_ins',
    20,
    'Sign-ins with one username, successful or not, and checks of the current password of an operator. Also changes of one account by its user, and authorization codes of one user, counted over all IP addresses. Binding `SIGN_IN_LIMIT`',
  ),
  guesses: budget(
    'guesses',
    60,
    'Wrong client secrets and assertions of all clients together, and refresh tokens and authorization codes of one client that this server did not issue. The server never refuses a correct one. Also requests for codes and links by mail, tries of these codes, and uses of these links, of all users together, and fetches of the documents of clients. Binding `GUESS_LIMIT`',
  ),
  guests: budget('guests', 600, 'New guests of one client. Binding `GUEST_LIMIT`'),
  introspections: budget(
    'introspections',
    6000,
    'Introspection requests of one client. Also requests to userinfo and to the JSON API of the account with tokens of one client. Binding `INTROSPECTION_LIMIT`',
  ),
  refreshes: budget(
    'refreshes',
    600,
    'Refreshes and exchanges of codes: of all sessions of a public client together, or of one session of a confidential client. Also authorization requests of signed-in users for one client, logouts, and the grant client_credentials with an assertion. Binding `REFRESH_LIMIT`',
  ),
  audit_events: budget(
    'audit_events',
    240,
    'Audit events that a caller can repeat, of a network (IPv4 /24, IPv6 /48). Further events are only counted ([sessions.md](sessions.md#the-budget-of-events)). Binding `AUDIT_LIMIT`',
  ),
  revocations: budget('revocations', 60, 'Revocations by one public client. Binding `REVOCATION_LIMIT`'),
  client_revocations: budget(
    'client_revocations',
    600,
    'Confidential client: all its revocations. Public client: only revocations that the feed lists. Counted over all IP addresses. Binding `CLIENT_REVOCATION_LIMIT`',
  ),
  service_accounts: budget(
    'service_accounts',
    600,
    'Requests of one service account to the admin API, counted over all IP addresses ([admin-api.md](admin-api.md#service-accounts)). Binding `SERVICE_ACCOUNT_LIMIT`',
  ),
}

export const burstLimitKeys = {
  burstLimits: keyWithDefault('burst_limits', {
    check: mapping(budgetKeys),
    default: {},
    description: 'The budgets of an IP address for one minute at one location of Cloudflare',
  }),
}
