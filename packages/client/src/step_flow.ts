import type { Attempt } from './attempt_store.ts'
import { type Fields, newAttempt, requestFor } from './authorization.ts'
import type { ClientOptions, SignInInput, SignInOptions, SignInStep } from './options.ts'
import type { Session } from './session.ts'
import type { TokenRequests } from './token_requests.ts'

/** Runs the exchange of a code and stores its session. */
type Begin = (exchange: () => Promise<Session>) => Promise<Session>

type InputName = keyof SignInInput

/** Sign-in in the form of the shop, by steps (OAuth 2.0 for First-Party Applications). */
export class StepFlow {
  readonly #options: ClientOptions
  readonly #requests: TokenRequests
  readonly #begin: Begin

  constructor(options: ClientOptions, requests: TokenRequests, begin: Begin) {
    this.#options = options
    this.#requests = requests
    this.#begin = begin
  }

  /** Begins a sign-in, with the first input of the user if there is one. @throws TokenRequestError */
  async start(
    { options, input }: { options: SignInOptions; input: SignInInput },
    guest: Session | null,
  ): Promise<SignInStep> {
    const attempt = newAttempt('', null)
    const { state, redirect_uri, ...request } = await requestFor(attempt, {
      scope: this.#options.scope,
      ...options,
    })
    const visitor: Fields = guest ? { visitor_access_token: guest.accessToken } : {}
    return this.#send(attempt, { ...request, ...visitor, ...fieldsOf(input) })
  }

  async #send(attempt: Attempt, form: Fields): Promise<SignInStep> {
    const reply = await this.#requests.challenge({ response_type: 'code', ...form })
    if (reply.error === 'redirect_to_web') return { kind: 'redirect' }
    if (!reply.error) {
      const session = await this.#begin(() => this.#requests.exchange(attempt, reply.authorization_code))
      return { kind: 'signed_in', session }
    }
    return {
      kind: 'input',
      accepts: reply.next.map(
        (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase()) as InputName,
      ),
      passkeyOptions: reply.passkey_options,
      next: (input) => this.#send(attempt, { auth_session: reply.auth_session, ...fieldsOf(input) }),
    }
  }
}

/** The parameters of an input, such as `email_code`. A credential of a passkey becomes its JSON by `toJSON`. */
function fieldsOf(input: SignInInput): Fields {
  return Object.fromEntries(
    Object.entries(input)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [
        name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
        typeof value === 'string' ? value : JSON.stringify(value),
      ]),
  )
}
