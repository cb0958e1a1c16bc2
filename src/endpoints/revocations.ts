import { requestContext } from '../http/request_context.ts'
import { FEED_MAX_AGE_SECONDS } from '../sessions/revocation_feed.ts'
import type { Endpoint } from './endpoint.ts'

/** What was cut off while the access tokens that it kills may live, as a signed JWT. */
export const revocationsEndpoint: Endpoint = {
  method: 'GET',
  path: '/revocations',
  handler({ feed, clock }, answers) {
    const publish = answers.publisher()
    return async (c) => {
      const context = requestContext(c, clock)
      const { token, etag, asOf } = await feed.current(context)
      // How long ago the stores last confirmed it: it grows while they are down.
      const ageSeconds = Math.max(0, context.now - asOf)
      return publish(token, {
        etag,
        maxAgeSeconds: FEED_MAX_AGE_SECONDS,
        type: 'application/jwt',
        ageSeconds,
      })
    }
  },
}
