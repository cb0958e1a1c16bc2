import { env as startEnv } from 'cloudflare:workers'
import type { Hono } from 'hono'
import configText from '../config.yml'
import { createApp } from './app.ts'
import { parseConfig } from './config/config.ts'
import { systemClock } from './lib/clock.ts'
import { describeError, log } from './lib/log.ts'
import { describeRefusal, formatError } from './oauth/error_dialect.ts'
import { createServices, type Env } from './services.ts'

// Parsed when the Worker starts: a broken config.yml refuses the deployment, not the first customer.
const config = parseConfig(configText, { localPort: (startEnv as Env).LOCAL_PORT })

let app: Hono | null = null

export default {
  fetch(request, env, context) {
    try {
      app ??= createApp(createServices(env, config, systemClock))
    } catch (error) {
      return refuseMisconfigured(error)
    }
    return app.fetch(request, env, context)
  },
} satisfies ExportedHandler<Env>

/** A binding or a secret is missing: the log names it, the caller learns nothing. */
function refuseMisconfigured(error: unknown): Response {
  log('error', 'misconfigured', { cause: describeError(error) })
  const wire = describeRefusal({ kind: 'server_error' }, config.errorDialect)
  return Response.json(formatError(wire, config.errorDialect), {
    status: wire.status,
    headers: { 'Cache-Control': 'no-store' },
  })
}
