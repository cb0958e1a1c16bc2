import { requestContext } from '../http/request_context.ts'
import { FEED_MAX_AGE_SECONDS } from '../sessions/revocation_feed.ts'
import { type Endpoint, JSON_FORMAT } from './endpoint.ts'

/**
 * The revocation feed: a signed JWT of the revocations whose access tokens may still be valid. A reader that has the list
 * requests the added entries with `since`.
 */
export const revocationsEndpoint: Endpoint = {
  path: '/revocations',
  format: JSON_FORMAT,
  methods: {
    GET({ feed, clock }, responses) {
      const publish = responses.publisher()
      return async (c) => {
        const context = requestContext(c, clock)
        const { token, etag, asOf } = await feed.read(c.req.query('since') ?? null, context)
        // The time since the stores last confirmed the list. It grows while the stores are down.
        const ageSeconds = Math.max(0, context.now - asOf)
        return publish(token, {
          etag,
          maxAgeSeconds: FEED_MAX_AGE_SECONDS,
          type: 'application/jwt',
          ageSeconds,
        })
      }
    },
  },
}
