import { requestContext } from '../http/request_context.ts'
import type { KeyRing } from '../keys/key_ring.ts'
import { ExpiringCache } from '../lib/expiring_cache.ts'
import { describeError, log } from '../lib/log.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { SingleFlight } from '../lib/single_flight.ts'
import { VERSION } from '../lib/version.ts'
import type { Services } from '../services/services.ts'
import { type Endpoint, JSON_FORMAT } from './endpoint.ts'

/** An isolate repeats the last result of the checks for this time, so that a flood of requests does not reach the stores. */
const READINESS_SECONDS = 5

/** Liveness: the Worker runs. */
export const healthEndpoint: Endpoint = {
  path: '/health',
  format: JSON_FORMAT,
  methods: { GET: (_services, responses) => () => responses.private({ status: 'ok', version: VERSION }) },
}

/** Readiness: the stores respond, and a signing key exists. */
export const readinessEndpoint: Endpoint = {
  path: '/health/ready',
  format: JSON_FORMAT,
  methods: {
    GET(services, responses) {
      const check = keepFor(READINESS_SECONDS, (context) => findFailing(services, context))
      return async (c) => {
        const failing = await check(requestContext(c, services.clock))
        if (failing.length === 0) return responses.private({ status: 'ready' })
        const response = responses.private({ status: 'unavailable', failing }, 503)
        response.headers.set('Retry-After', String(READINESS_SECONDS))
        return response
      }
    },
  },
}

type Check = (context: RequestContext) => Promise<string[]>

/** Wraps a check: only one runs at a time, and its result is repeated for some seconds. */
function keepFor(seconds: number, check: Check): Check {
  const results = new ExpiringCache<string[]>(1)
  const flights = new SingleFlight<string[]>()
  return async (context) => {
    const known = results.get('', context.now)
    if (known !== null) return known
    return flights.run('', context, async () => {
      const result = await check(context)
      results.set('', result, context.now + seconds)
      return result
    })
  }
}

async function findFailing({ readiness, keys }: Services, context: RequestContext): Promise<string[]> {
  // The checks run in parallel, so that the response waits only for one deadline if several stores hang.
  const [stores, signingKeys] = await Promise.all([readiness.findFailing(), findFailingKeys(keys, context)])
  return [...stores, ...signingKeys]
}

async function findFailingKeys(keys: KeyRing, context: RequestContext): Promise<string[]> {
  try {
    await keys.current(context)
    return []
  } catch (error) {
    log('error', 'not_ready', { dependency: 'signing_keys', cause: describeError(error) })
    return ['signing_keys']
  }
}
