import { execFile, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { configureBundle } from '../../scripts/configure_bundle.ts'
import { makeTemporaryDirectory, type ServiceServer, startService } from '../../scripts/worker_server.ts'
import { parseSealingKey } from '../../src/keys/sealing.ts'
import { TextSealer } from '../../src/keys/text_sealer.ts'
import { readCodeBlocks } from '../support/code_blocks.ts'
import { exampleOf } from '../support/mail_examples.ts'
import { serviceBundle } from '../support/shared_builds.ts'

// The service delivers mails from its queue to a real HTTP server, as to the program of an operator.

const hasPhp = spawnSync('php', ['--version']).status === 0
if (!hasPhp)
  process.stdout.write(
    '\nPHP is not installed, so its check is not tested. On Debian: apt-get install php-cli\n',
  )

const SECRET = `whsec_${randomBytes(32).toString('base64')}`
const SEALING_KEY = randomBytes(32).toString('base64url')
const DIRECTORY = makeTemporaryDirectory()

interface Delivery {
  headers: IncomingHttpHeaders
  body: string
}

const deliveries: Delivery[] = []
/** The statuses of the next responses. Afterwards each response is 204. */
const statuses: number[] = []
const sink = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  deliveries.push({ headers: request.headers, body: Buffer.concat(chunks).toString() })
  response.writeHead(statuses.shift() ?? 204).end()
})
let service: ServiceServer

beforeAll(async () => {
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(sink.address() as AddressInfo).port}/send`
  const mail = { from: { name: 'Corner Shop', address: 'shop@shop.example' }, driver: 'webhook', url }
  const bundle = configureBundle(await serviceBundle(), { mail })
  const vars = { LOCAL_INBOX: 'false', MAIL_SECRET: SECRET }
  service = await startService(bundle, { sealingKey: SEALING_KEY, vars })
})

afterAll(async () => {
  await service.close()
  sink.closeAllConnections()
  sink.close()
})

/** Puts a mail into the queue as the service does. */
async function enqueue(id: string): Promise<void> {
  const key = parseSealingKey(SEALING_KEY)
  if (key === null) throw new Error('the key is malformed')
  const queuedAt = Math.floor(Date.now() / 1000)
  const sealer = new TextSealer([key], 'sallyport mails')
  await service.stores.MAIL_QUEUE?.send(
    await sealer.sealValue({ id, queuedAt, mail: exampleOf('email_code') }),
  )
}

async function untilDelivered(count: number): Promise<Delivery[]> {
  for (let i = 0; i < 300 && deliveries.length < count; i++) await sleep(100)
  return deliveries.splice(0)
}

describe('the queue of mails with a webhook', () => {
  it('a failed mail is delivered again with the same id and body, and a refused mail is not', async () => {
    statuses.push(503, 204, 400)
    await enqueue('msg_failed')
    const [first, second, ...more] = await untilDelivered(2)
    expect([first?.headers['webhook-id'], first?.body]).toEqual(['msg_failed', second?.body])
    expect([second?.headers['webhook-id'], more]).toEqual(['msg_failed', []])
    await enqueue('msg_refused')
    expect(await untilDelivered(1)).toHaveLength(1)
    // The first retry would follow after 5 s.
    await sleep(7000)
    expect(deliveries).toEqual([])
  })

  const PROGRAMS = [
    ['Node', checkInNode],
    ['PHP', checkInPhp],
  ] as const

  it.each(PROGRAMS)(
    'the check of the signature in a program accepts a delivered mail and refuses each change: %s',
    async (name, check) => {
      if (name === 'PHP' && !hasPhp) return
      await enqueue(`msg_for_${name}`)
      const [{ headers, body } = { headers: {}, body: '' }] = await untilDelivered(1)
      const signature = `v1,AAAA ${headers['webhook-signature']}`
      const old = String(Number(headers['webhook-timestamp']) - 301)
      expect(JSON.parse(body).data).toMatchObject({ to: 'zoe@example.com', kind: 'email_code' })
      expect(
        await check([
          [headers, body, SECRET],
          [{ ...headers, 'webhook-signature': signature }, body, SECRET],
          [headers, `${body} `, SECRET],
          [headers, body, `whsec_${randomBytes(32).toString('base64')}`],
          [{ ...headers, 'webhook-id': 'msg_other' }, body, SECRET],
          [{ ...headers, 'webhook-timestamp': old }, body, SECRET],
          [{}, body, SECRET],
        ]),
      ).toEqual([true, true, false, false, false, false, false])
    },
  )
})

const blocks = readCodeBlocks('docs/mail.md').filter(({ test }) => test?.file === 'test/e2e/mail.test.ts')
const codeIn = (language: string) => blocks.find((block) => block.language === language)?.text ?? ''

async function checkInNode(cases: unknown[][]): Promise<boolean[]> {
  const file = join(DIRECTORY, 'check.mjs')
  writeFileSync(file, codeIn('js'))
  const { isFromSallyport } = await import(file)
  return cases.map((parameters) => isFromSallyport(...parameters))
}

async function checkInPhp(cases: unknown[][]): Promise<boolean[]> {
  const file = join(DIRECTORY, 'check.php')
  const call =
    'echo json_encode(array_map(fn ($c) => isFromSallyport($c[0], $c[1], $c[2]), json_decode($argv[1], true)));'
  writeFileSync(file, `${codeIn('php')}\n${call}\n`)
  const { stdout } = await promisify(execFile)('php', [file, JSON.stringify(cases)])
  return JSON.parse(stdout)
}
