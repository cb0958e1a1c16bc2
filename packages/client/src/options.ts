import type { Session, TokenStorage } from './session.ts'

export interface ClientOptions {
  /** The URL of the token service, without a trailing slash. */
  issuer: string
  /** The id of a public client, because a page cannot keep a secret, or that of the client of `backEnd`. */
  clientId: string
  /**
   * The URL of the shop's back end, without a trailing slash. It takes the token requests in place of the token service, adds the
   * secret of the client and forwards them. `signIn.start` needs it.
   */
  backEnd?: string
  /** The APIs that get the access token. Only their origins count. */
  apis: readonly string[]
  /** The scope requested at sign-in. Default: all scopes of the client. */
  scope?: string
  /** Set to false if the API does not allow guests. */
  guests?: boolean
  /** Default: `localStorage`, which the tabs of the origin share. */
  storage?: TokenStorage
  /** Keeps the attempts of `signInWithRedirect`. Default: `sessionStorage`, which belongs to one tab. */
  attemptStorage?: TokenStorage
  fetch?: typeof globalThis.fetch
  /** Leaves the page for a URL. Default: `location.assign`. */
  navigate?: (url: string) => void
  /** The time in Unix seconds. Default: the browser's clock. */
  now?: () => number
}

/** A change of the session. */
export type ClientEvent =
  | 'guest_started'
  | 'signed_in'
  | 'refreshed'
  /** A response was lost, and the request is repeated. */
  | 'retrying'
  | 'signed_out'
  /** The session has ended, so the tokens cannot be refreshed. */
  | 'session_ended'
  /** Another tab changed the session. */
  | 'changed_elsewhere'

export type ClientListener = (event: ClientEvent, session: Session | null) => void

/** The options of `signInWithRedirect`. */
export interface RedirectOptions {
  /** A redirect URI of the client. Default: the URL of this page, without query and fragment. */
  redirectUri?: string
  /** Default: the scope of the client's options. With `openid` the session has an ID token. */
  scope?: string
  /** A text for the result of `handleRedirect`, such as the path of the page to show after the sign-in. */
  returnTo?: string
  /** The username for the form of the sign-in page. */
  loginHint?: string
  /**
   * `login` asks for the password again. `none` shows no page (OpenID Connect Core §3.1.2.1). `create` begins with the sign-up
   * (Initiating User Registration via OpenID Connect 1.0).
   */
  prompt?: 'login' | 'none' | 'consent' | 'select_account' | 'create'
  /** The levels of which the sign-in needs one, separated by spaces: the `acr_values` of a challenge (RFC 9470 §4). */
  acrValues?: string
  /** The user signs in again if the last sign-in is older: the `max_age` of a challenge. */
  maxAgeSeconds?: number
  /** The languages of the pages, separated by spaces, such as `de en`. */
  uiLocales?: string
}

/** The options of `signIn.start`, as those of `signInWithRedirect`. */
export interface SignInOptions
  extends Pick<RedirectOptions, 'scope' | 'acrValues' | 'maxAgeSeconds' | 'uiLocales'> {
  /** `create`: the visitor creates an account. The inputs are `username` (the address), `emailCode`, then `password` and `name`. */
  prompt?: 'create'
}

/** What the user typed. A username alone requests a code by mail, if users of the service can sign in by one. */
export interface SignInInput {
  username?: string
  password?: string
  /** The name of a new user. */
  name?: string
  emailCode?: string
  totp?: string
  recoveryCode?: string
  /** The credential of `navigator.credentials.get`, or its JSON. */
  passkey?: unknown
  /** The response of a solved challenge. */
  challengeResponse?: string
}

/** The state of a sign-in in the form of the shop. */
export type SignInStep =
  | {
      kind: 'input'
      /** The inputs that the sign-in accepts now. */
      accepts: readonly (keyof SignInInput)[]
      /** For `PublicKeyCredential.parseRequestOptionsFromJSON`; null if no passkey is accepted. */
      passkeyOptions: unknown
      /**
       * Sends the input. After a wrong one, call `next` of the same step again.
       *
       * @throws TokenRequestError `invalid_grant` for a wrong input, `invalid_session` after 10 minutes
       */
      next(input: SignInInput): Promise<SignInStep>
    }
  | { kind: 'signed_in'; session: Session }
  /** The user must see a page of the service: call `signInWithRedirect`. */
  | { kind: 'redirect' }

/** The options of a `signOut` that leaves the page. */
export interface SignOutOptions {
  /** A post-logout redirect URI of the client, exactly as registered. */
  redirectUri: string
}

/** The result of `handleRedirect`. `returnTo` is the text of `signInWithRedirect`, or null. */
export type RedirectResult =
  /** The URL is no response of the token service. */
  | { kind: 'none' }
  | { kind: 'signed_in'; session: Session; returnTo: string | null }
  /** The attempt failed, and a new one can succeed. `reason` is for logs. The stored session stays. */
  | { kind: 'retry'; reason: string; returnTo: string | null }
  /** The token service or the user refused, such as `access_denied`. The stored session stays. */
  | { kind: 'refused'; error: string; returnTo: string | null }
