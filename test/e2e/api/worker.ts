import { env } from 'cloudflare:workers'
import { Hono } from 'hono'
import { requireToken } from '../../../packages/verify/src/hono.ts'
import { createVerifier } from '../../../packages/verify/src/index.ts'

const { ISSUER, AUDIENCE, POLL_SECONDS, CLIENT_ID, CLIENT_SECRET } = env as unknown as Record<string, string>

const verifier = createVerifier({
  issuer: String(ISSUER),
  audience: String(AUDIENCE),
  revocations: { pollSeconds: Number(POLL_SECONDS) },
  introspection: { clientId: String(CLIENT_ID), clientSecret: String(CLIENT_SECRET) },
})

export default new Hono()
  .get('/cart', requireToken(verifier), (c) => c.json({ cartOf: c.get('token').subject }))
  .get('/payment', requireToken(verifier, { immediate: true }), (c) =>
    c.json({ paidBy: c.get('token').subject }),
  )
