import { env as startEnv } from 'cloudflare:workers'
import { Hono } from 'hono'
import configText from '../dist/config.txt'
import { type App, createApp } from './app.ts'
import { isAuditMessage, storeMessages } from './audit/store_messages.ts'
import { parseBuiltSettings } from './config/built_settings.ts'
import { resolveConfig } from './config/config.ts'
import { Responses } from './http/responses.ts'
import { systemClock } from './lib/clock.ts'
import { describeError } from './lib/log.ts'
import { deliverMails, dropMails } from './mail/deliver_mails.ts'
import { serverError } from './oauth/errors.ts'
import { type Env, requireEnvironment } from './services/environment.ts'
import { managementSettingsOf } from './services/management_binding.ts'
import { createServices, type Services } from './services/services.ts'
import { SessionObject as ObjectOfSessions } from './sessions/session_object.ts'

// The build has checked config.yml, so that a malformed file fails the deployment (docs/decisions/0021).
const { LOCAL_PORT, LOCAL_AUDIENCES } = startEnv as Env
const config = resolveConfig(parseBuiltSettings(configText), LOCAL_PORT, LOCAL_AUDIENCES)

/** The session objects with the settings of config.yml. */
export class SessionObject extends ObjectOfSessions {
  constructor(...[context, env]: ConstructorParameters<typeof ObjectOfSessions>) {
    super(context, env, config.sessionObjects?.indexDatabases)
  }
}

let app: App | null = null

export default {
  fetch(request, env, context) {
    app ??= openApp(env)
    return app.fetch(request, env, context)
  },

  /** Handles the cron trigger in wrangler.toml: the Worker of management does its work. @throws EnvironmentError */
  async scheduled(_controller, env) {
    requireEnvironment(env, config)
    await env.MANAGEMENT.runCron(managementSettingsOf(env))
  },

  /** Handles the queues of mails and of audit events. If a binding or a secret is missing, the queue tries the whole batch again. */
  async queue({ messages }, env, context) {
    const { mailDelivery, auditBatches, clock } = openServices(env)
    const waitUntil = (work: Promise<unknown>) => context.waitUntil(work)
    if (messages.every(isAuditMessage)) await storeMessages(messages, auditBatches, clock.now())
    else if (mailDelivery === null) dropMails(messages)
    else await deliverMails(messages, mailDelivery, { now: clock.now(), waitUntil })
  },
} satisfies ExportedHandler<Env>

/** @throws EnvironmentError */
function openServices(env: Env): Services {
  return createServices(requireEnvironment(env, config), config, systemClock)
}

/** Creates the server. If a binding or a secret is missing, each request gets 500, and only the log has the reason. */
function openApp(env: Env): App {
  try {
    const settings = managementSettingsOf(env)
    // The result of an RPC is no Promise: `async` makes one, which Hono needs for its handler of errors.
    return createApp(openServices(env), async ({ request, server }) =>
      env.MANAGEMENT.handle(request, { server, settings }),
    )
  } catch (error) {
    const refusal = serverError(describeError(error))
    const responses = new Responses(config)
    return new Hono().all('*', (c) => responses.error(c, refusal))
  }
}
