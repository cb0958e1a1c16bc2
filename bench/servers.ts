import { join } from 'node:path'
import { configureBundle } from '../scripts/configure_bundle.ts'
import { type Bundle, bundleWorker } from '../scripts/worker_bundle.ts'
import { startScript, startService, startWorker, type WorkerServer } from '../scripts/worker_server.ts'
import type { Env } from '../src/services/environment.ts'
import { prepareCodeClient } from './code_flow_operations.ts'
import { type Send, sender } from './exchange.ts'
import { prepareKeyClient } from './key_client_operations.ts'
import { prepareSignIns } from './sign_in_operations.ts'
import { findWorkerd, listWorkerds, type WorkerdProcess } from './workerd_process.ts'

/** A Worker with a constant response. */
const CONSTANT_WORKER = `export default { fetch: () => Response.json({ status: 'ok' }) }`

/** The keys of config.yml for a service with session objects. */
const SESSION_OBJECTS = { session_objects: { per_market: 8 } }

/** A measured server, alone in its workerd. */
export interface Measured {
  server: WorkerServer
  send: Send
  /** Null if the system does not report it. */
  workerd: WorkerdProcess | null
}

/** The compared servers. All run from the start, and one at a time gets requests. */
export interface Servers {
  service: Measured
  /** The service with session objects. */
  objects: Measured
  constant: Measured
  hash: Measured
  rotation: Measured
  /** An API that verifies a token of `service`. */
  verifier: Measured
}

export async function startServers(directory: string, bundle: Bundle): Promise<Servers> {
  const build = (name: string) => bundleWorker(join(directory, name), `bench/${name}_worker.ts`)
  const [hash, rotation, verifier] = [
    await build('bare_hash'),
    await build('bare_rotation'),
    await build('verifier'),
  ]
  const options = { fill: prepareOperations, hasLargeBudgets: true }
  const service = await start(startService(bundle, options))
  const objects = await start(startService(configureBundle(bundle, SESSION_OBJECTS), options))
  const { origin } = service.server
  return {
    service,
    objects,
    constant: await start(startScript(CONSTANT_WORKER)),
    hash: await start(startService(hash)),
    rotation: await start(startService(rotation)),
    verifier: await start(
      startWorker(verifier, 'wrangler.toml', {
        variables: { ISSUER: origin, AUDIENCE: `${origin}/storefront` },
      }),
    ),
  }
}

/** Adds the rows of the operations. */
export async function prepareOperations(env: Env): Promise<void> {
  await prepareCodeClient(env)
  await prepareKeyClient(env)
  await prepareSignIns(env)
}

export async function start(starting: Promise<WorkerServer>): Promise<Measured> {
  const before = new Set(listWorkerds())
  const server = await starting
  return { server, send: sender(server.origin), workerd: findWorkerd(before) }
}
