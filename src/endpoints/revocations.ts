import { requestContext } from '../http/request_context.ts'
import { respondPublicly } from '../http/respond.ts'
import { FEED_MAX_AGE_SECONDS } from '../sessions/revocation_feed.ts'
import type { Endpoint } from './endpoint.ts'

/** What was cut off while the access tokens that it kills may live, as a signed JWT. */
export const revocationsEndpoint: Endpoint = {
  method: 'GET',
  path: '/revocations',
  handler:
    ({ feed, clock }) =>
    async (c) => {
      const context = requestContext(c, clock)
      const { token, etag, asOf } = await feed.current(context)
      // How long ago the stores last confirmed it: it grows while they are down (RFC 9111 §5.1).
      c.header('Age', String(Math.max(0, context.now - asOf)))
      return respondPublicly(c, token, { etag, maxAgeSeconds: FEED_MAX_AGE_SECONDS, type: 'application/jwt' })
    },
}
