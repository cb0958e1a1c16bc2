import { requestContext } from '../http/request_context.ts'
import type { KeyRing } from '../keys/key_ring.ts'
import { describeError, log } from '../lib/log.ts'
import type { RequestContext } from '../lib/request_context.ts'
import type { Services } from '../services.ts'
import type { Endpoint } from './endpoint.ts'

const RETRY_AFTER_SECONDS = '2'

/** Whether the Worker runs. */
export const healthEndpoint: Endpoint = {
  method: 'GET',
  path: '/health',
  handler: (_services, answers) => () => answers.private({ status: 'ok' }),
}

/** Whether it can serve: the stores answer, and there is a key to sign with. */
export const readinessEndpoint: Endpoint = {
  method: 'GET',
  path: '/health/ready',
  handler: (services, answers) => async (c) => {
    const failing = await findFailing(services, requestContext(c, services.clock))
    if (failing.length === 0) return answers.private({ status: 'ready' })
    const answer = answers.private({ status: 'unavailable', failing }, 503)
    answer.headers.set('Retry-After', RETRY_AFTER_SECONDS)
    return answer
  },
}

async function findFailing({ readiness, keys }: Services, context: RequestContext): Promise<string[]> {
  // Side by side: stores that hang are told of while the caller still waits.
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
