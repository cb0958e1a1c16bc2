import { createExecutionContext } from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import { createHmac } from 'node:crypto'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { TextSealer } from '../../src/keys/text_sealer.ts'
import { deliverMails, type MailMessage } from '../../src/mail/deliver_mails.ts'
import type { QueuedMail } from '../../src/mail/mail.ts'
import worker from '../../src/worker.ts'
import { exampleOf } from '../support/mail_examples.ts'
import { MAIL } from '../support/mail_sink.ts'
import { emptyStores, TestServer } from '../support/server.ts'

const URL = 'https://mail.shop.test/send'
const SECRETS = [new Uint8Array(24).fill(7), new Uint8Array(64).fill(9)]
const MAIL_SECRET = SECRETS.map((secret) => `whsec_${btoa(String.fromCharCode(...secret))}`).join(' ')

function watchLog() {
  const lines: Record<string, unknown>[] = []
  for (const level of ['info', 'warn', 'error'] as const) {
    const spy = vi
      .spyOn(console, level)
      .mockImplementation((line) => void lines.push(JSON.parse(String(line))))
    onTestFinished(() => spy.mockRestore())
  }
  return lines
}

/** Sends the outgoing requests of this test to a function. */
function answerRequests(answer: (request: Request) => Response | Promise<Response>): Request[] {
  const requests: Request[] = []
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    const request = new Request(url, init)
    requests.push(request.clone())
    return answer(request)
  })
  onTestFinished(() => void vi.unstubAllGlobals())
  return requests
}

interface Outcome {
  acknowledged: boolean
  delaySeconds: number | null
}

/** Delivers one message as the Worker does. */
async function deliver(
  { services, clock }: TestServer,
  body: unknown,
  { attempts = 1 }: { attempts?: number } = {},
): Promise<Outcome> {
  const outcome: Outcome = { acknowledged: false, delaySeconds: null }
  const message: MailMessage = {
    body,
    attempts,
    ack: () => {
      outcome.acknowledged = true
    },
    retry: ({ delaySeconds }) => {
      outcome.delaySeconds = delaySeconds
    },
  }
  if (services.mailDelivery === null) throw new Error('the server has no mail')
  await deliverMails([message], services.mailDelivery, { now: clock.time, waitUntil() {} })
  return outcome
}

const seal = (queued: QueuedMail) =>
  new TextSealer([Buffer.from(env.SEALING_KEY, 'base64url')], 'sallyport mails').sealValue(queued)

const queuedAt = (server: TestServer, kind: Parameters<typeof exampleOf>[0] = 'email_code'): QueuedMail => ({
  id: 'msg_1',
  queuedAt: server.clock.time,
  mail: exampleOf(kind),
})

const DONE = { acknowledged: true, delaySeconds: null }

describe('the delivery of mails', () => {
  const withBinding = (send: (mail: unknown) => Promise<unknown>) =>
    new TestServer({ config: { mail: MAIL }, env: { EMAIL: { send } } })

  it('the driver binding gives the mail to Cloudflare', async () => {
    const sent: unknown[] = []
    const server = withBinding(async (mail) => sent.push(mail))
    expect(await deliver(server, await seal(queuedAt(server)))).toEqual(DONE)
    expect(sent).toEqual([
      {
        from: { email: 'shop@shop.test', name: 'Corner Shop' },
        to: 'zoe@example.com',
        subject: 'Your code for Corner Shop',
        text: expect.stringContaining('\n042519\n'),
        html: expect.stringContaining('>042519<'),
      },
    ])
  })

  it.each([
    ['E_RECIPIENT_SUPPRESSED', 'mail_dropped'],
    ['E_VALIDATION_ERROR', 'mail_dropped'],
    ['E_RATE_LIMIT_EXCEEDED', 'mail_delayed'],
    ['E_SENDER_NOT_VERIFIED', 'mail_delayed'],
    ['E_INTERNAL_SERVER_ERROR', 'mail_delayed'],
    [undefined, 'mail_delayed'],
  ])(
    'after the error %s of the binding the log has %s, without the message of the error',
    async (code, event) => {
      const lines = watchLog()
      const server = withBinding(async () => {
        throw Object.assign(new Error('zoe@example.com is unknown'), { code })
      })
      const isDropped = event === 'mail_dropped'
      expect(await deliver(server, await seal(queuedAt(server)))).toEqual(
        isDropped ? DONE : { acknowledged: false, delaySeconds: 5 },
      )
      expect(lines).toEqual([
        {
          level: isDropped ? 'error' : 'warn',
          event,
          id: 'msg_1',
          kind: 'email_code',
          attempts: 1,
          reason: code ?? 'an error without a code',
          ...(isDropped ? {} : { delaySeconds: 5 }),
        },
      ])
    },
  )

  it('each attempt waits twice as long, up to an hour', async () => {
    watchLog()
    const server = withBinding(() => Promise.reject(new Error('down')))
    const body = await seal(queuedAt(server))
    const delays: unknown[] = []
    for (const attempts of [1, 2, 3, 10, 11, 40])
      delays.push((await deliver(server, body, { attempts })).delaySeconds)
    expect(delays).toEqual([5, 10, 20, 2560, 3600, 3600])
  })

  it.each([
    ['email_code', 600],
    ['reset_password', 1800],
    ['token_theft', 86_400],
  ] as const)('a mail of the kind %s is dropped after %i s in the queue', async (kind, seconds) => {
    const lines = watchLog()
    let sent = 0
    const server = withBinding(async () => sent++)
    const body = await seal(queuedAt(server, kind))
    server.clock.time += seconds - 1
    expect(await deliver(server, body)).toEqual(DONE)
    server.clock.time += 1
    expect(await deliver(server, body, { attempts: 9 })).toEqual(DONE)
    expect([sent, lines]).toEqual([
      1,
      [{ level: 'error', event: 'mail_dropped', id: 'msg_1', kind, attempts: 9, reason: 'it is too old' }],
    ])
  })

  it.each([['not sealed'], [{ kind: 'email_code' }], [null]])(
    'a message that no sealing key opens is dropped: %j',
    async (body) => {
      const lines = watchLog()
      const server = withBinding(async () => null)
      expect(await deliver(server, body)).toEqual(DONE)
      expect(lines).toEqual([
        { level: 'error', event: 'mail_dropped', attempts: 1, reason: 'no sealing key opens it' },
      ])
    },
  )
})

describe('the driver webhook', () => {
  const withWebhook = () =>
    new TestServer({ config: { mail: { ...MAIL, driver: 'webhook', url: URL } }, env: { MAIL_SECRET } })

  it('the driver webhook posts the mail with a signature for each secret (Standard Webhooks)', async () => {
    const requests = answerRequests(() => new Response(null, { status: 204 }))
    const server = withWebhook()
    const queued = queuedAt(server)
    const sealed = await seal(queued)
    server.clock.time += 60
    expect(await deliver(server, sealed)).toEqual(DONE)
    const [request] = requests
    const body = (await request?.text()) ?? ''
    const timestamp = String(server.clock.time)
    const signatures = SECRETS.map(
      (secret) => `v1,${createHmac('sha256', secret).update(`msg_1.${timestamp}.${body}`).digest('base64')}`,
    )
    expect([request?.method, request?.url, Object.fromEntries(request?.headers ?? [])]).toEqual([
      'POST',
      URL,
      {
        'content-type': 'application/json',
        'user-agent': 'sallyport',
        'webhook-id': 'msg_1',
        'webhook-timestamp': timestamp,
        'webhook-signature': signatures.join(' '),
      },
    ])
    expect(JSON.parse(body)).toEqual({
      type: 'mail',
      timestamp: new Date(queued.queuedAt * 1000).toISOString(),
      data: {
        kind: 'email_code',
        from: MAIL.from,
        to: 'zoe@example.com',
        language: 'en',
        subject: 'Your code for Corner Shop',
        text: expect.stringContaining('042519'),
        html: expect.stringContaining('042519'),
      },
    })
  })

  it.each([
    [200, 'delivered'],
    [202, 'delivered'],
    [302, 'mail_delayed'],
    [400, 'mail_dropped'],
    [401, 'mail_dropped'],
    [422, 'mail_dropped'],
    [429, 'mail_delayed'],
    [500, 'mail_delayed'],
    [503, 'mail_delayed'],
  ])('a response with the status %i: %s', async (status, result) => {
    const lines = watchLog()
    const requests = answerRequests(() => new Response('zoe@example.com', { status }))
    const server = withWebhook()
    const outcome = await deliver(server, await seal(queuedAt(server)))
    expect(requests).toHaveLength(1)
    expect(outcome).toEqual(result === 'mail_delayed' ? { acknowledged: false, delaySeconds: 5 } : DONE)
    const line = { event: result, reason: `status ${status}` }
    expect(lines).toMatchObject(result === 'delivered' ? [] : [line])
    expect(JSON.stringify(lines)).not.toContain('zoe')
  })

  it('a repeated delivery has the same id and the same body', async () => {
    watchLog()
    const requests = answerRequests(() => Promise.reject(new Error('connection lost')))
    const server = withWebhook()
    const body = await seal(queuedAt(server))
    expect(await deliver(server, body)).toEqual({ acknowledged: false, delaySeconds: 5 })
    server.clock.time += 5
    await deliver(server, body, { attempts: 2 })
    const [first, second] = requests
    expect(second?.headers.get('webhook-id')).toBe(first?.headers.get('webhook-id'))
    expect(await second?.text()).toBe(await first?.text())
  })

  it.each([
    ['', 'no secret'],
    ['secret', 'no prefix'],
    ['whsec_', 'no bytes'],
    [`whsec_${btoa('x'.repeat(23))}`, 'too few bytes'],
    [`whsec_${btoa('x'.repeat(65))}`, 'too many bytes'],
    [`${MAIL_SECRET} ${MAIL_SECRET}`, 'four secrets'],
  ])('the server does not start with the MAIL_SECRET %j: %s', (secret) => {
    const config = { mail: { ...MAIL, driver: 'webhook', url: URL } }
    expect(() => new TestServer({ config, env: { MAIL_SECRET: secret } })).toThrow(
      'the secret MAIL_SECRET is missing or malformed: the driver webhook of `mail` needs it',
    )
  })

  it.each(['MAIL_QUEUE', 'EMAIL'])('the server with mail does not start without the binding %s', (name) => {
    const environment = { [name]: undefined } as unknown as Partial<Cloudflare.Env>
    expect(() => new TestServer({ config: { mail: MAIL }, env: environment })).toThrow(
      `the binding ${name} is missing: add it to wrangler.toml`,
    )
  })
})

const LOCAL = 'http://127.0.0.1:8787'

/** Opens a page of the Worker, which serves config.yml of the repository on a loopback issuer. */
async function open(path: string, init: RequestInit = {}): Promise<{ response: Response; html: string }> {
  const response = await exports.default.fetch(LOCAL + path, init)
  return { response, html: await response.text() }
}

describe('the inbox of a local server', () => {
  beforeEach(emptyStores)

  it('a mail goes through the real queue to the inbox, and its page has clickable links', async () => {
    const { MAIL_QUEUE } = env
    if (MAIL_QUEUE === undefined) throw new Error('wrangler.toml has no queue')
    const server = new TestServer({ config: { mail: MAIL }, env: { MAIL_QUEUE } })
    server.clock.time = Math.floor(Date.now() / 1000)
    server.services.mailer.send(exampleOf('reset_password'), server.context())
    await server.settle()
    const address = await vi.waitUntil(
      async () =>
        /href="(\/inbox\/msg_[\w-]+)">Choose a new password for/.exec((await open('/inbox')).html)?.[1],
      { timeout: 20_000, interval: 200 },
    )
    const link = 'https://id.shop.test/account/customers/link?token=a&amp;b'
    const { response, html } = await open(address)
    expect(response.status).toBe(200)
    expect(response.headers.get('Content-Security-Policy')).toContain("default-src 'none'")
    expect(html).toContain(`<a href="${link}">${link}</a>`)
    const asHtml = await open(`${address}/html`)
    expect([asHtml.response.status, asHtml.response.headers.get('Content-Security-Policy')]).toEqual([
      200,
      "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
    ])
    expect(asHtml.html).toContain(`<a href="${link}"`)
  })

  it('the inbox lists the newest mail first', async () => {
    const { inbox } = new TestServer({ config: { issuer: LOCAL, mail: MAIL } }).services
    const mail = { from: MAIL.from, to: 'zoe@example.com', language: 'en', text: '', html: '' }
    for (const [id, queuedAt] of [
      ['msg_a', 10],
      ['msg_c', 30],
      ['msg_b', 20],
    ] as const)
      await inbox?.deliver({ ...mail, id, queuedAt, kind: 'email_code', subject: id })
    const { html } = await open('/inbox')
    expect([...html.matchAll(/">(msg_\w)<\/a>/g)].map(([, id]) => id)).toEqual(['msg_c', 'msg_b', 'msg_a'])
  })

  it.each([
    ['/inbox', {}, 200, 'No mails.'],
    ['/inbox/msg_none', {}, 404, 'Page not found'],
    ['/inbox/msg_none/html', {}, 404, 'Page not found'],
    [
      '/inbox',
      { method: 'POST', headers: { 'Content-Type': 'application/json' } },
      405,
      'Method not allowed',
    ],
  ])('%s %j: %i', async (path, init, status, text) => {
    const { response, html } = await open(path, init)
    expect([response.status, html]).toEqual([status, expect.stringContaining(text)])
  })

  it.each([
    ['an issuer that is not a loopback address', { issuer: 'https://id.shop.test' }, 'true'],
    ['no LOCAL_INBOX', { issuer: LOCAL }, undefined],
    ['another LOCAL_INBOX', { issuer: LOCAL }, '1'],
  ])('the inbox does not exist with %s', async (_case, config, inbox) => {
    const changes = { LOCAL_INBOX: inbox } as Partial<Cloudflare.Env>
    const server = new TestServer({ config: { ...config, mail: MAIL }, env: changes })
    for (const path of ['/inbox', '/inbox/msg_a', '/inbox/style.css'])
      expect((await server.send(new Request(config.issuer + path))).status).toBe(404)
    expect(server.services.inbox).toBeNull()
  })

  it('the inbox does not exist at another host than a loopback address', async () => {
    const server = new TestServer({ config: { issuer: LOCAL, mail: MAIL } })
    expect((await server.send(new Request('https://worker.example/inbox'))).status).toBe(404)
    expect((await server.send(new Request(`${LOCAL}/inbox`))).status).toBe(200)
  })
})

describe('the queue of the Worker', () => {
  it('the Worker handles a batch of its queue', async () => {
    const lines = watchLog()
    let acknowledged = 0
    const message = { body: 'not sealed', attempts: 3, ack: () => acknowledged++, retry: () => {} }
    const batch = { messages: [message, message] } as unknown as Parameters<typeof worker.queue>[0]
    await worker.queue(batch, env, createExecutionContext())
    expect([acknowledged, lines.map(({ event, attempts }) => [event, attempts])]).toEqual([
      2,
      [
        ['mail_dropped', 3],
        ['mail_dropped', 3],
      ],
    ])
  })
})
