import type { Config } from '../config/config.ts'
import { etagOf } from '../lib/etag.ts'
import { type Endpoint, JSON_FORMAT } from './endpoint.ts'

const MAX_AGE_SECONDS = 3600

/**
 * The related origins (WebAuthn Level 3 §5.11.1): the origins outside the relying party id whose pages can use its passkeys. A
 * browser reads the document before it offers a passkey there. The origins of apps are not in it, because no browser has them.
 */
export const relatedOriginsEndpoint: Endpoint = {
  path: '/.well-known/webauthn',
  format: JSON_FORMAT,
  methods: {
    GET({ config }, responses) {
      const publish = responses.publisher()
      const body = JSON.stringify({ origins: relatedOriginsOf(config) })
      let etag: string | null = null
      return async () => {
        etag ??= await etagOf(body)
        return publish(body, { etag, maxAgeSeconds: MAX_AGE_SECONDS })
      }
    },
  },
}

function relatedOriginsOf({ accounts }: Config): string[] {
  const origins = [...accounts.listed.values()].flatMap(({ passkeys }) => passkeys?.origins ?? [])
  return [...new Set(origins)].filter((origin) => /^https?:/.test(origin))
}
