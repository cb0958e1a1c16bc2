import { requestContext } from '../http/request_context.ts'
import { JWKS_MAX_AGE_SECONDS } from '../keys/key_schedule.ts'
import { type Endpoint, JSON_FORMAT } from './endpoint.ts'

/** The JWKS endpoint (RFC 7517 §5). */
export const jwksEndpoint: Endpoint = {
  path: '/.well-known/jwks.json',
  format: JSON_FORMAT,
  methods: {
    GET({ keys, clock }, responses) {
      const publish = responses.publisher()
      return async (c) => {
        const { body, etag } = await keys.jwks(requestContext(c, clock))
        return publish(body, { etag, maxAgeSeconds: JWKS_MAX_AGE_SECONDS })
      }
    },
  },
}
