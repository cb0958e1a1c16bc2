import { requestContext } from '../http/request_context.ts'
import { FEED_MAX_AGE_SECONDS } from '../sessions/revocation_feed.ts'
import { type Endpoint, JSON_FORMAT } from './endpoint.ts'

/** The values of `max_age` that shorten the caches. Each isolate then reads the stores at most once a second. */
const SHORTER_MAX_AGE = /^[1-4]$/

/**
 * The revocation feed: a signed JWT of the revocations whose access tokens may still be valid. A reader that has the list
 * requests the added entries with `since`. A reader that polls every second requests a newer list with `max_age`.
 */
export const revocationsEndpoint: Endpoint = {
  path: '/revocations',
  format: JSON_FORMAT,
  methods: {
    GET({ feed, clock }, responses) {
      const publish = responses.publisher()
      return async (c) => {
        const context = requestContext(c, clock)
        const maxAgeSeconds = readMaxAge(c.req.query('max_age'))
        const request = { since: c.req.query('since') ?? null, maxAgeSeconds }
        const { token, etag, asOf } = await feed.read(request, context)
        // The time since the stores last confirmed the list. It grows while the stores are down.
        const ageSeconds = Math.max(0, context.now - asOf)
        return publish(token, {
          etag,
          maxAgeSeconds,
          type: 'application/jwt',
          ageSeconds,
        })
      }
    },
  },
}

function readMaxAge(maxAge: string | undefined): number {
  return maxAge !== undefined && SHORTER_MAX_AGE.test(maxAge) ? Number(maxAge) : FEED_MAX_AGE_SECONDS
}
