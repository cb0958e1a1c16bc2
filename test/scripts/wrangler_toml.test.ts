import { describe, expect, it } from 'vitest'
import { unstable_readConfig as readWranglerConfig } from 'wrangler'
import { findDifferences } from '../../scripts/wrangler_toml.ts'
import { parseConfig } from '../../src/config/parse_config.ts'

const FROM = 'from: { name: Corner Shop, address: shop@shop.test }'
const configOf = (mail: string) =>
  parseConfig(
    `issuer: https://id.shop.test\napis: { shop: { audience: https://shop.test/api, users: customers } }\n${mail}`,
  )
const toml = readWranglerConfig({ config: 'wrangler.toml' })
const { producers = [], consumers = [] } = toml.queues

describe('wrangler.toml', () => {
  const binding = configOf(`mail: { ${FROM} }`)
  const webhook = configOf(`mail: { ${FROM}, driver: webhook, url: https://mail.shop.test/ }`)
  const [consumer] = consumers

  it('wrangler.toml of the repository has the bindings of both drivers of mails', () => {
    expect([findDifferences(binding, toml), findDifferences(webhook, toml)]).toEqual([[], []])
  })

  it.each([
    [
      'the Worker of management',
      { ...toml, services: [] },
      ['wrangler.toml needs [[services]] with binding = "MANAGEMENT"'],
    ],
    [
      'the main database',
      { ...toml, d1_databases: [] },
      ['wrangler.toml has no [[d1_databases]] with the binding DB'],
    ],
    [
      'an own Worker of management',
      { ...toml, name: 'sallyport-staging' },
      [
        'wrangler.toml: the service of MANAGEMENT is sallyport-management, must be sallyport-staging-management',
      ],
    ],
    [
      'the static files',
      { ...toml, assets: undefined },
      ['wrangler.toml needs [assets] with binding = "ASSETS" and run_worker_first = true'],
    ],
    [
      'no address of static files',
      { ...toml, assets: { ...toml.assets, run_worker_first: ['/account/*'] } },
      ['wrangler.toml needs [assets] with binding = "ASSETS" and run_worker_first = true'],
    ],
    [
      'the flag that keeps outgoing requests on the public Internet',
      { ...toml, compatibility_flags: ['nodejs_compat'] },
      ['wrangler.toml needs compatibility_flags = ["global_fetch_strictly_public"]'],
    ],
    [
      'the producer',
      { ...toml, queues: { consumers } },
      ['mail: wrangler.toml has no [[queues.producers]] with the binding MAIL_QUEUE'],
    ],
    [
      'the consumer',
      { ...toml, queues: { producers } },
      ['mail: wrangler.toml has no [[queues.consumers]] of the queue sallyport-mail'],
    ],
    [
      'enough retries',
      {
        ...toml,
        queues: { producers, consumers: [{ ...consumer, queue: 'sallyport-mail', max_retries: 3 }] },
      },
      ['mail: max_retries of the queue sallyport-mail is 3, must be at least 40'],
    ],
    [
      'the mail service',
      { ...toml, send_email: [] },
      ['mail.driver: wrangler.toml has no [[send_email]] with the name EMAIL'],
    ],
  ])('the check names what wrangler.toml lacks: %s', (_case, lacking, problems) => {
    expect(findDifferences(binding, lacking)).toEqual(problems)
  })

  it('Workers Logs of the repository keep no URL, because it can have the token of a link in a mail', () => {
    expect(toml.observability).toMatchObject({
      enabled: true,
      logs: { enabled: true, invocation_logs: false },
    })
  })

  it.each([
    [
      'the producer',
      { ...toml, queues: { consumers } },
      'audit_archive: wrangler.toml has no [[queues.producers]] with the binding AUDIT_QUEUE',
    ],
    [
      'the consumer',
      { ...toml, queues: { producers } },
      'audit_archive: wrangler.toml has no [[queues.consumers]] of the queue sallyport-audit',
    ],
    [
      'the bucket',
      { ...toml, r2_buckets: [] },
      'audit_archive: wrangler.toml has no [[r2_buckets]] with the binding AUDIT_ARCHIVE',
    ],
  ])(
    'with an archive of audit events, the check names what wrangler.toml lacks: %s',
    (_case, lacking, problem) => {
      const archive = configOf('audit_archive: {}')
      expect(findDifferences(archive, toml)).toEqual([])
      expect(findDifferences(archive, lacking)).toEqual([problem])
    },
  )

  it('without mail in config.yml wrangler.toml needs no queue, and a webhook needs no mail service', () => {
    expect(findDifferences(configOf(''), { ...toml, queues: {}, r2_buckets: [], send_email: [] })).toEqual([])
    expect(findDifferences(webhook, { ...toml, send_email: [] })).toEqual([])
  })
})
