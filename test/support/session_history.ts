import { type Action, type Outcome, predict, type State } from './session_model.ts'

/** An action and its observed response. */
export interface Seen {
  action: Action
  response: Outcome
}

/**
 * The possible states after parallel actions: one for each order that explains every response.
 *
 * @param states The possible states before the actions.
 * @throws Error if no order explains the responses
 */
export function explain(states: readonly State[], seen: readonly Seen[]): State[] {
  const possible = states.flatMap((state) => follow(state, seen))
  if (possible.length === 0) throw new Error(describe(states, seen))
  return [...new Map(possible.map((state) => [JSON.stringify(state), state])).values()]
}

/** Tries every order. Of equal actions it tries only one. */
function follow(state: State, seen: readonly Seen[]): State[] {
  if (seen.length === 0) return [state]
  const candidates = new Map(seen.map((one) => [JSON.stringify(one), one]))
  return [...candidates.values()].flatMap((first) => {
    const rest = seen.toSpliced(seen.indexOf(first), 1)
    return predict(state, first.action, first.response.issued?.sid ?? '').flatMap(({ response, next }) =>
      JSON.stringify(response) === JSON.stringify(first.response) ? follow(next, rest) : [],
    )
  })
}

function describe(states: readonly State[], seen: readonly Seen[]): string {
  const lines = seen.flatMap(({ action, response }) => [
    describeAction(action),
    `  has the response    ${JSON.stringify(response)}`,
    ...states.flatMap((state) =>
      predict(state, action, '').map(({ response }) => `  should have     ${JSON.stringify(response)}`),
    ),
  ])
  return ['no order explains these responses:', ...lines].join('\n  ')
}

function describeAction(action: Action): string {
  if ('code' in action) {
    const { text, ...code } = action.code
    return JSON.stringify({ ...action, code })
  }
  if (!('token' in action)) return JSON.stringify(action)
  const { seq, sid, issuedAt } = action.token
  const kind = seq === null ? 'the access token' : `refresh token ${seq}`
  return `${action.do} ${kind} of ${sid}, dated ${issuedAt}, by ${action.clientId}`
}
