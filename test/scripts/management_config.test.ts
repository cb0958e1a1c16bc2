import { expect, it } from 'vitest'
import { unstable_readConfig as readWranglerConfig } from 'wrangler'
import { describeManagement } from '../../scripts/management_config.ts'

const toml = readWranglerConfig({ config: 'wrangler.toml' })

it('the Worker of management has the stores of wrangler.toml and no address', () => {
  const management = describeManagement({
    ...toml,
    routes: [{ pattern: 'id.shop.test', custom_domain: true }],
    workers_dev: true,
    preview_urls: true,
    vars: { LOCAL_INBOX: 'true' },
  })
  expect(management).toMatchObject({
    name: 'sallyport-management',
    workers_dev: false,
    preview_urls: false,
    compatibility_date: toml.compatibility_date,
    compatibility_flags: toml.compatibility_flags,
    d1_databases: [{ binding: 'DB', database_id: 'local' }],
    kv_namespaces: [{ binding: 'KV', id: 'local' }],
    ratelimits: toml.ratelimits,
    observability: toml.observability,
    assets: { binding: 'ASSETS', run_worker_first: true, directory: '../assets' },
    queues: { producers: toml.queues.producers },
  })
  const names = Object.keys(management ?? {})
  const absent = ['route', 'routes', 'triggers', 'vars', 'services', 'send_email', 'migrations']
  expect(absent.filter((name) => names.includes(name))).toEqual([])
})

it('the Worker of management binds the Durable Objects of the token service', () => {
  const bindings = [{ name: 'OBJECTS', class_name: 'SomeObject' }]
  expect(describeManagement({ ...toml, durable_objects: { bindings } })).toMatchObject({
    durable_objects: {
      bindings: [{ name: 'OBJECTS', class_name: 'SomeObject', script_name: 'sallyport' }],
    },
  })
})

it('a wrangler.toml without the binding describes no Worker of management', () => {
  expect(describeManagement({ ...toml, services: [] })).toBe(null)
})
