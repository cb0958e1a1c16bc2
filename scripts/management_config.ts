import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { unstable_readConfig as readWranglerConfig, type Unstable_Config } from 'wrangler'
import { stop } from './stop.ts'

/** The binding of the Worker of management in wrangler.toml. */
export const MANAGEMENT = 'MANAGEMENT'

/** What a wrangler.toml without the binding needs. */
const MISSING = `needs [[services]] with binding = "${MANAGEMENT}"`

/** The folder of the generated configuration. */
const FOLDER = 'dist'

/** The name of the Worker of management; null if wrangler.toml has no binding of it. */
export function managementNameOf({ services }: Pick<Unstable_Config, 'services'>): string | null {
  return services?.find(({ binding }) => binding === MANAGEMENT)?.service ?? null
}

/** The differences between the binding in wrangler.toml and the binding that the Workers need. */
export function findManagementProblems(toml: Pick<Unstable_Config, 'name' | 'services'>): string[] {
  const name = managementNameOf(toml)
  if (name === null) return [`wrangler.toml ${MISSING}`]
  // With a name of another environment, a deployment would replace the Worker of that environment.
  const expected = `${toml.name}-management`
  return name === expected
    ? []
    : [`wrangler.toml: the service of ${MANAGEMENT} is ${name}, must be ${expected}`]
}

/**
 * Writes the configuration of the Worker of management from that of the token service.
 *
 * @param options.hasObjects Whether it binds the Durable Objects of the token service.
 * @returns its path
 */
export function writeManagementConfig({ hasObjects = true } = {}): string {
  const toml = readWranglerConfig({ config: 'wrangler.toml' })
  const config = describeManagement(hasObjects ? toml : { ...toml, durable_objects: { bindings: [] } })
  if (config === null) return stop(`wrangler.toml ${MISSING}`)
  mkdirSync(FOLDER, { recursive: true })
  const path = join(FOLDER, hasObjects ? 'management.json' : 'management_without_objects.json')
  // The rename is atomic: another process can read the file at the same time.
  writeFileSync(`${path}.${process.pid}`, JSON.stringify(config, null, 2))
  renameSync(`${path}.${process.pid}`, path)
  return path
}

/**
 * The configuration of the Worker of management: the stores, budgets and queues of the token service, and no address, cron trigger,
 * consumer, variable or mail service. Paths are relative to `dist`. Null without the binding.
 */
export function describeManagement(toml: Unstable_Config): object | null {
  const name = managementNameOf(toml)
  if (name === null) return null
  const { account_id, compatibility_date, compatibility_flags, rules } = toml
  const { build, limits, logpush, observability, placement, tail_consumers } = toml
  return {
    name,
    main: '../src/management_worker.ts',
    account_id,
    compatibility_date,
    compatibility_flags,
    rules,
    limits,
    logpush,
    observability,
    placement,
    tail_consumers,
    send_metrics: false,
    keep_names: false,
    workers_dev: false,
    preview_urls: false,
    build: { command: build.command, watch_dir: ['../src', '../config.yml'] },
    assets: { ...toml.assets, directory: '../assets' },
    d1_databases: toml.d1_databases.map(({ binding, database_name, database_id }) => ({
      binding,
      database_name,
      database_id,
    })),
    kv_namespaces: toml.kv_namespaces,
    r2_buckets: toml.r2_buckets,
    ratelimits: toml.ratelimits,
    queues: { producers: toml.queues.producers },
    durable_objects: {
      bindings: toml.durable_objects.bindings.map((object) => ({
        ...object,
        script_name: object.script_name ?? toml.name,
      })),
    },
  }
}
