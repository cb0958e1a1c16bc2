import { env } from 'cloudflare:workers'
import { Hono } from 'hono'
import { requireToken } from '../../../packages/verify/src/hono.ts'
import { createVerifier } from '../../../packages/verify/src/index.ts'

const { ISSUER, AUDIENCE, POLL_SECONDS } = env as unknown as Record<string, string>

const verifier = createVerifier({
  issuer: String(ISSUER),
  audience: String(AUDIENCE),
  revocations: { pollSeconds: Number(POLL_SECONDS) },
})

export default new Hono().get('/cart', requireToken(verifier), (c) =>
  c.json({ cartOf: c.get('token').subject }),
)
