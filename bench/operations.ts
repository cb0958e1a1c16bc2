import {
  get,
  type HttpAnswer,
  type HttpRequest,
  post,
  type ResponseHeaders,
  require200,
  type Send,
} from './exchange.ts'

/** A caller sends its next request after the last response. */
export interface Caller {
  /** Null if no request is left. */
  next(): HttpRequest | null
  /** Reads a response with the expected status. */
  accept(body: string, headers: ResponseHeaders): void
}

export interface Operation {
  name: string
  /** Creates one of a number of callers. The preparation is outside the measured time. */
  open(send: Send, callerCount: number): Promise<Caller>
  /** Whether a 503 with Retry-After is expected. */
  mayBeRefused?: boolean
  /** The expected status, if it is not 200. */
  status?: number
  /** The wait before each counted request. */
  pauseMs?: number
}

export const TOKEN_PATH = '/oauth2-token'
export const STOREFRONT = { client_id: 'storefront-demo', client_secret: 'storefront-demo-secret' }
export const CUSTOMER = { username: 'amanda@example.com', password: 'correct horse battery staple' }
const SIGN_IN = post(TOKEN_PATH, { grant_type: 'password', ...STOREFRONT, ...CUSTOMER })
const GUEST = post(TOKEN_PATH, {
  grant_type: 'password',
  ...STOREFRONT,
  username: 'guest',
  password: 'guest',
})

/** The number of sessions that all callers of `revocation` end. */
const SESSIONS_TO_END = 6000

/** A little longer than an isolate keeps the feed. */
const FEED_PAUSE_MS = 5100

/** The response of a baseline. */
export const CONSTANT = repeat('constant', get('/'))

export const GUEST_TOKEN = repeat('guest token', GUEST)
export const MACHINE_TOKEN = repeat(
  'machine token',
  post(TOKEN_PATH, { grant_type: 'client_credentials', ...STOREFRONT }),
)
export const SIGN_IN_OPERATION: Operation = { ...repeat('password sign-in', SIGN_IN), mayBeRefused: true }
export const JWKS = repeat('JWKS', get('/.well-known/jwks.json'))
export const METADATA = repeat('metadata', get('/.well-known/oauth-authorization-server'))
export const FEED = repeat('revocation feed', get('/revocations'))

/** A customer's session. Each refresh token is used once. */
export const REFRESH: Operation = {
  name: 'refresh',
  async open(send) {
    let token = refreshTokenOf(await signIn(send))
    return {
      next: () => post(TOKEN_PATH, { grant_type: 'refresh_token', ...STOREFRONT, refresh_token: token }),
      accept(body) {
        token = refreshTokenOf(body)
      },
    }
  },
}

/** The same, on a server whose sessions are in session objects. */
export const REFRESH_IN_OBJECTS: Operation = { ...REFRESH, name: 'refresh (session objects)' }

/** Introspection of a customer's access token by a client of the same API. */
export const INTROSPECTION: Operation = {
  name: 'introspection',
  async open(send) {
    const token: string = JSON.parse(await signIn(send)).access_token
    const request = post(`${TOKEN_PATH}/introspect`, { ...STOREFRONT, token })
    return {
      next: () => request,
      accept(body) {
        if (JSON.parse(body).active !== true) throw new Error(`introspection: ${body}`)
      },
    }
  },
}

/** Guests who sign out once. */
export const REVOCATION = forEachGuest(
  'revocation',
  ({ refresh_token: token }) => post(`${TOKEN_PATH}/revoke`, { ...STOREFRONT, token }),
  SESSIONS_TO_END,
)

/** Guests who refresh once, so that their sessions get rows. */
export const FIRST_REFRESH = forEachGuest('first refresh', ({ refresh_token }) =>
  post(TOKEN_PATH, { grant_type: 'refresh_token', ...STOREFRONT, refresh_token }),
)

/** Guests who sign in as a customer and merge their carts. */
export const MERGE = forEachGuest('sign-in of a guest', ({ access_token }) =>
  post(TOKEN_PATH, {
    grant_type: 'password',
    ...STOREFRONT,
    ...CUSTOMER,
    visitor_access_token: access_token,
  }),
)

export const FAILED_SIGN_IN: Operation = {
  ...repeat(
    'failed sign-in',
    post(TOKEN_PATH, { grant_type: 'password', ...STOREFRONT, ...CUSTOMER, password: 'not this one' }),
  ),
  status: 400,
}

/** The preflight of a browser for a page of another origin. */
export const PREFLIGHT: Operation = {
  ...repeat('preflight', {
    method: 'OPTIONS',
    path: TOKEN_PATH,
    body: '',
    headers: { Origin: 'https://shop.example.com', 'Access-Control-Request-Method': 'POST' },
  }),
  status: 204,
}

/** The feed in an isolate with an outdated list. */
export const RENEWED_FEED: Operation = {
  ...repeat('revocation feed, read anew', get('/revocations')),
  pauseMs: FEED_PAUSE_MS,
}

/** The requests to the baseline of a refresh: one session for each caller, with the next seq each time. */
export const BARE_ROTATION: Operation = {
  name: 'bare rotation',
  async open() {
    const sid = `s1.${crypto.randomUUID()}`
    let seq = 0
    return { next: () => get(`/rotate?sid=${sid}&seq=${seq++}`), accept() {} }
  },
}

/** A request to an API with the same customer's token each time. */
export function verification(service: Send): Operation {
  return {
    name: 'verifier',
    async open() {
      const token: string = JSON.parse(await signIn(service)).access_token
      const request = get('/', { Authorization: `Bearer ${token}` })
      return { next: () => request, accept() {} }
    },
  }
}

interface Tokens {
  access_token: string
  refresh_token: string
}

/** One request for each guest. @param guests The number of guests of all callers; each caller has at least two, which is enough for a count */
function forEachGuest(name: string, request: (tokens: Tokens) => HttpRequest, guests = 0): Operation {
  return {
    name,
    async open(send, callerCount) {
      const share = Math.max(2, guests / callerCount)
      const requests: HttpRequest[] = []
      for (let i = 0; i < share; i++) requests.push(request(JSON.parse(await require200(send, GUEST))))
      return { next: () => requests.pop() ?? null, accept() {} }
    },
  }
}

export function repeat(name: string, request: HttpRequest): Operation {
  return { name, open: async () => ({ next: () => request, accept() {} }) }
}

/** Signs in, and retries while the queue of hashes is full. */
async function signIn(send: Send): Promise<string> {
  for (;;) {
    const response = await send(SIGN_IN)
    if (response.status === 200) return response.body
    await waitAsAsked(response)
  }
}

/** Waits after a 503 with Retry-After. @throws Error for any other response */
export async function waitAsAsked({ status, body, headers }: HttpAnswer): Promise<void> {
  const retryAfterSeconds = Number(headers['retry-after'])
  if (status !== 503 || Number.isNaN(retryAfterSeconds)) throw new Error(`returned ${status}: ${body}`)
  await new Promise((resolve) => setTimeout(resolve, retryAfterSeconds * 1000))
}

function refreshTokenOf(body: string): string {
  return JSON.parse(body).refresh_token
}
