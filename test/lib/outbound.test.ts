import { describe, expect, it } from 'vitest'
import { freshSecondsOf } from '../../src/lib/freshness.ts'
import { FetchFailed, Outbound } from '../../src/lib/outbound.ts'
import { hang, RemoteDocuments } from '../support/remote_documents.ts'

const URL_OF_DOCUMENT = 'https://keys.partner.example/jwks.json'
const LIMITS = { maxBytes: 64, timeoutMs: 50 }

/** The fetched object, or the problem. */
async function fetchFrom(url: string, { allowsLoopback = false } = {}) {
  try {
    return (await new Outbound({ allowsLoopback }).fetchObject(url, LIMITS)).object
  } catch (error) {
    if (error instanceof FetchFailed) return error.problem
    throw error
  }
}

const FORBIDDEN = [
  'http://keys.partner.example/',
  'ftp://keys.partner.example/',
  'data:application/json,%7B%7D',
  'https://127.0.0.1/',
  'https://10.0.0.1/',
  'https://169.254.169.254/latest/meta-data',
  'https://8.8.8.8/',
  'https://2130706433/',
  'https://0x7f.1/',
  'https://[::1]/',
  'https://[fd00::1]/',
  'https://[::ffff:127.0.0.1]/',
  'https://localhost/',
  'https://keys.localhost/',
  'https://printer.local/',
  'https://vault.internal/',
  'https://keys.test/',
  'https://keys.invalid/',
  'https://keys.onion/',
  'https://1.0.0.127.in-addr.arpa/',
  'https://router.home.arpa/',
  'https://keys.alt/',
  'https://nas.lan/',
  'https://intranet/',
  'https://keys/',
  'https://localhost./',
  'https://keys.partner.example./',
  'https://LOCALHOST/',
  'https://%6cocalhost/',
  'https://user@keys.partner.example/',
  'https://user:secret@keys.partner.example/',
  'https://keys.partner.example@127.0.0.1/',
  'https://keys.partner.example:8443/',
  'https://keys.partner.example:443/',
  'https://keys.partner.example/#keys',
  'https://keys.partner.example/../jwks',
  'https://keys.partner.example\\@127.0.0.1/',
  'keys.partner.example',
  '',
]

describe('the outgoing requests for documents', () => {
  it.each(FORBIDDEN)('the server sends no request to a URL that may not be public: %s', async (url) => {
    const documents = RemoteDocuments.start()
    expect(await fetchFrom(url)).toBe('url')
    expect(documents.requests).toEqual([])
  })

  it('the server requests loopback hosts only if it runs on a loopback address itself', async () => {
    const documents = RemoteDocuments.start()
    const urls = ['http://127.0.0.1:9000/jwks', 'http://localhost:9000/jwks', 'https://[::1]:9000/jwks']
    for (const url of urls) {
      documents.setJson(url, { keys: [] })
      expect(await fetchFrom(url)).toBe('url')
      expect(await fetchFrom(url, { allowsLoopback: true })).toEqual({ keys: [] })
    }
    expect(await fetchFrom('http://10.0.0.1:9000/jwks', { allowsLoopback: true })).toBe('url')
    expect(documents.requests).toEqual(urls)
  })

  it('the server sends a GET without credentials, follows no redirect and uses no HTTP cache', async () => {
    const documents = RemoteDocuments.start()
    const seen: unknown[] = []
    documents.set(URL_OF_DOCUMENT, (request) => {
      const { method, redirect, cache, headers } = request
      seen.push({ method, redirect, cache, headers: Object.fromEntries(headers) })
      return Response.json({ keys: [] })
    })
    expect(await fetchFrom(URL_OF_DOCUMENT)).toEqual({ keys: [] })
    const headers = { accept: 'application/json', 'user-agent': 'sallyport' }
    expect(seen).toEqual([{ method: 'GET', redirect: 'manual', cache: 'no-store', headers }])
  })

  it.each([
    ['redirect', 'a redirect', () => Response.redirect('https://other.example/', 302)],
    ['status', 'an error', () => new Response('{}', { status: 503 })],
    ['status', 'a response without content', () => new Response(null, { status: 204 })],
    ['size', 'a long document', () => Response.json({ text: 'x'.repeat(64) })],
    ['size', 'a document that is long in bytes only', () => Response.json({ text: 'ü'.repeat(32) })],
    ['size', 'a document without an end', () => new Response(endless())],
    ['content', 'a document that is not JSON', () => new Response('<html>')],
    ['content', 'an empty document', () => new Response('')],
    ['content', 'a list', () => Response.json([{}])],
    ['content', 'a null', () => Response.json(null)],
    ['content', 'a repeated member', () => new Response('{"a":1,"a":2}')],
    ['timeout', 'a server that hangs', hang],
    [
      'timeout',
      'a body that hangs',
      () => new Response(new ReadableStream({ pull: () => new Promise(() => {}) })),
    ],
    ['connection', 'a server that is down', () => Promise.reject(new TypeError('connection lost'))],
  ] as const)('the server refuses a document for its %s: %s', async (problem, _case, responder) => {
    RemoteDocuments.start().set(URL_OF_DOCUMENT, responder)
    expect(await fetchFrom(URL_OF_DOCUMENT)).toBe(problem)
  })

  it.each([
    [{}, null],
    [{ 'Cache-Control': 'public, max-age=600' }, 600],
    [{ 'Cache-Control': 'MAX-AGE="600"', Age: '100' }, 500],
    [{ 'Cache-Control': 'max-age=600', Age: '900' }, 0],
    [{ 'Cache-Control': 'max-age=600, no-store' }, 0],
    [{ 'Cache-Control': 'no-cache' }, 0],
    [{ 'Cache-Control': 'max-age=soon' }, null],
    [{ Expires: 'Thu, 01 Dec 2022 17:00:00 GMT', Date: 'Thu, 01 Dec 2022 16:00:00 GMT' }, 3600],
    [{ Expires: 'Thu, 01 Dec 2022 16:00:00 GMT', Date: 'Thu, 01 Dec 2022 17:00:00 GMT' }, 0],
    [{ Expires: '0', Date: 'Thu, 01 Dec 2022 17:00:00 GMT' }, 0],
  ] as const)('the headers %j make a document fresh for %s seconds (RFC 9111 §4.2)', (headers, seconds) => {
    expect(freshSecondsOf(new Headers(headers))).toBe(seconds)
  })
})

/** A body that sends spaces for ever. */
function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(16).fill(32)) })
}
