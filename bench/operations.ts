import { get, type HttpRequest, post, type Send } from './exchange.ts'

/** One caller, who sends the next request when the last is answered. */
export interface Caller {
  next(): HttpRequest
  /** Takes the answer to the last request. */
  accept(body: string): void
}

export interface Operation {
  name: string
  /** Makes a caller. What it needs beforehand is outside the measured time. */
  open(send: Send): Promise<Caller>
}

const TOKEN_PATH = '/oauth2-token'
const STOREFRONT = { client_id: 'storefront-demo', client_secret: 'storefront-demo-secret' }
const CUSTOMER = { username: 'amanda@example.com', password: 'correct horse battery staple' }
const SIGN_IN = post(TOKEN_PATH, { grant_type: 'password', ...STOREFRONT, ...CUSTOMER })

/** What is measured, of the demo data. */
export const OPERATIONS: readonly Operation[] = [
  repeat(
    'guest',
    post(TOKEN_PATH, {
      grant_type: 'password',
      client_id: 'storefront-public',
      username: 'guest',
      password: 'guest',
    }),
  ),
  repeat('client_credentials', post(TOKEN_PATH, { grant_type: 'client_credentials', ...STOREFRONT })),
  repeat('password sign-in', SIGN_IN),
  { name: 'refresh', open: openRefresh },
  repeat('JWKS', get('/.well-known/jwks.json')),
  repeat('revocation feed', get('/revocations')),
  { name: 'introspection', open: openIntrospection },
]

/** What the ceiling is asked. */
export const CONSTANT = repeat('constant', get('/'))

function repeat(name: string, request: HttpRequest): Operation {
  return { name, open: async () => ({ next: () => request, accept() {} }) }
}

/** A customer's session, each refresh token used once, for its successor. */
async function openRefresh(send: Send): Promise<Caller> {
  let token = ''
  const caller: Caller = {
    next: () => post(TOKEN_PATH, { grant_type: 'refresh_token', ...STOREFRONT, refresh_token: token }),
    accept(body) {
      token = JSON.parse(body).refresh_token
    },
  }
  caller.accept(await send(SIGN_IN))
  return caller
}

/** A customer's access token, asked about by a client of the same API. */
async function openIntrospection(send: Send): Promise<Caller> {
  const token: string = JSON.parse(await send(SIGN_IN)).access_token
  const request = post(`${TOKEN_PATH}/introspect`, { ...STOREFRONT, token })
  return {
    next: () => request,
    accept(body) {
      if (JSON.parse(body).active !== true) throw new Error(`introspection: ${body}`)
    },
  }
}
