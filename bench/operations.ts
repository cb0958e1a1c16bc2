import { get, type HttpAnswer, type HttpRequest, post, require200, type Send } from './exchange.ts'

/** One caller, who sends the next request when the last is answered. */
export interface Caller {
  /** Null where it has nothing left to send. */
  next(): HttpRequest | null
  /** Takes the body of a 200. */
  accept(body: string): void
}

export interface Operation {
  name: string
  /** Makes a caller, one of so many. What it needs beforehand is outside the measured time. */
  open(send: Send, callerCount: number): Promise<Caller>
  /** The server may ask its callers to come back later. */
  mayBeRefused?: boolean
  /** What it is answered with, where that is not 200. */
  status?: number
  /** How long a caller waits before each request that is counted. */
  pauseMs?: number
}

const TOKEN_PATH = '/oauth2-token'
const STOREFRONT = { client_id: 'storefront-demo', client_secret: 'storefront-demo-secret' }
const CUSTOMER = { username: 'amanda@example.com', password: 'correct horse battery staple' }
const SIGN_IN = post(TOKEN_PATH, { grant_type: 'password', ...STOREFRONT, ...CUSTOMER })
const GUEST = post(TOKEN_PATH, {
  grant_type: 'password',
  ...STOREFRONT,
  username: 'guest',
  password: 'guest',
})

/** Sessions that all callers of `revocation` together have to end. */
const SESSIONS_TO_END = 6000

/** A little longer than an isolate keeps the list of the feed. */
const FEED_PAUSE_MS = 5100

/** What a yardstick answers. */
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

/** A customer's session, each refresh token used once, for its successor. */
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

/** A customer's access token, asked about by a client of the same API. */
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

/** Guests who sign out, each once. */
export const REVOCATION = forEachGuest(
  'revocation',
  ({ refresh_token: token }) => post(`${TOKEN_PATH}/revoke`, { ...STOREFRONT, token }),
  SESSIONS_TO_END,
)

/** Guests who come back, each once: their sessions get their rows. */
export const FIRST_REFRESH = forEachGuest('first refresh', ({ refresh_token }) =>
  post(TOKEN_PATH, { grant_type: 'refresh_token', ...STOREFRONT, refresh_token }),
)

/** Guests who become a customer: their carts go along. */
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

/** What a browser asks first, where the page is of another origin. */
export const PREFLIGHT: Operation = {
  ...repeat('preflight', {
    method: 'OPTIONS',
    path: TOKEN_PATH,
    body: '',
    headers: { Origin: 'https://shop.example.com', 'Access-Control-Request-Method': 'POST' },
  }),
  status: 204,
}

/** The feed in an isolate whose list has grown too old. */
export const RENEWED_FEED: Operation = {
  ...repeat('revocation feed, read anew', get('/revocations')),
  pauseMs: FEED_PAUSE_MS,
}

/** What the yardstick of a refresh is asked: one session for each caller, each use the next. */
export const BARE_ROTATION: Operation = {
  name: 'bare rotation',
  async open() {
    const sid = `s1.${crypto.randomUUID()}`
    let seq = 0
    return { next: () => get(`/rotate?sid=${sid}&seq=${seq++}`), accept() {} }
  },
}

/** What a token costs an API: the same customer's at each request. */
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

/** A request for each of some guests: two are enough to count one. */
/** @param guests How many all callers have together; each has two at least. */
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

function repeat(name: string, request: HttpRequest): Operation {
  return { name, open: async () => ({ next: () => request, accept() {} }) }
}

/** Signs in, by and by where the queue of hashes is full. */
async function signIn(send: Send): Promise<string> {
  for (;;) {
    const response = await send(SIGN_IN)
    if (response.status === 200) return response.body
    await waitAsAsked(response)
  }
}

/** What a caller does who was asked to come back later. @throws Error for any other answer */
export async function waitAsAsked({ status, body, retryAfterSeconds }: HttpAnswer): Promise<void> {
  if (status !== 503 || retryAfterSeconds === null) throw new Error(`answered with ${status}: ${body}`)
  await new Promise((resolve) => setTimeout(resolve, retryAfterSeconds * 1000))
}

function refreshTokenOf(body: string): string {
  return JSON.parse(body).refresh_token
}
