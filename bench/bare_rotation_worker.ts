import type { Env } from '../src/services/environment.ts'
import { HolderStore } from '../src/sessions/holder_store.ts'
import { SessionRotationStore } from '../src/sessions/session_rotation_store.ts'
import { UserDatabases } from '../src/users/user_databases_store.ts'
import { UserStore } from '../src/users/user_store.ts'

// wrangler.toml names this class. The Worker creates no object.
export { SessionObject } from '../src/sessions/session_object.ts'

// The baseline of a refresh: the same D1 call and a constant response. The caller counts: /rotate?sid=…&seq=…

const LIFETIME_SECONDS = 2_592_000

const SETTINGS = { refreshRetryWindowSeconds: 60 }

let subject: string | null = null

export default {
  async fetch(request, { DB }) {
    const { searchParams } = new URL(request.url)
    const sid = searchParams.get('sid') ?? ''
    subject ??=
      (
        await new UserStore(new UserDatabases(DB)).findByUsername(
          'customers',
          'amanda@example.com',
          'primary',
        )
      )?.id ?? ''
    const now = Math.floor(Date.now() / 1000)
    const session = { sid, subject, clientId: 'storefront-demo', api: 'storefront', startedAt: now }
    const token = {
      secretHash: null,
      clientKey: null,
      pool: 'customers',
      kind: 'exchanged' as const,
      jti: null,
      issuedAt: now,
      now,
    }
    const holder = { ...session, ...token }
    const { outcome } = await new SessionRotationStore(
      DB,
      new HolderStore(new UserDatabases(DB)).checkFor(DB),
      SETTINGS,
    ).use(
      {
        ...session,
        expiresAt: now + LIFETIME_SECONDS,
        tokenExpiresAt: now + LIFETIME_SECONDS,
        seq: Number(searchParams.get('seq')),
        now,
        policy: 'rotate',
        retryWindowSeconds: 60,
        sessionLifetimeSeconds: null,
      },
      holder,
    )
    if (outcome?.kind !== 'rotated') throw new Error(`not rotated: ${JSON.stringify(outcome)}`)
    return Response.json({ status: 'ok' })
  },
} satisfies ExportedHandler<Env>
