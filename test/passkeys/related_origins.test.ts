import { beforeEach, describe, expect, it } from 'vitest'
import { emptyStores, TestServer } from '../support/server.ts'

const PATH = '/.well-known/webauthn'
const APP = `android:apk-key-hash:${'A'.repeat(43)}`

describe('the related origins', () => {
  beforeEach(emptyStores)

  it('the document lists the web origins of all pools once, with a cache and CORS (WebAuthn Level 3 §5.11.1)', async () => {
    const origins = ['https://www.shop.test', 'https://shop.example', APP]
    const accounts = {
      customers: { passkeys: { rp_id: 'shop.test', origins } },
      staff: {
        passkeys: { rp_id: 'shop.test', origins: ['https://www.shop.test', 'http://localhost:3000'] },
      },
    }
    const server = new TestServer({ config: { accounts } })
    const response = await server.fetch(PATH, { headers: { Origin: 'https://www.shop.test' } })
    expect(response.status).toBe(200)
    expect(response.headers.get('Content-Type')).toBe('application/json; charset=UTF-8')
    expect(response.headers.get('Cache-Control')).toBe('public, max-age=3600')
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe('https://www.shop.test')
    expect(await response.json()).toEqual({
      origins: ['https://www.shop.test', 'https://shop.example', 'http://localhost:3000'],
    })
    const etag = response.headers.get('ETag') ?? ''
    expect((await server.fetch(PATH, { headers: { 'If-None-Match': etag } })).status).toBe(304)
  })

  it('the document is empty without passkeys', async () => {
    const response = await new TestServer().fetch(PATH)
    expect([response.status, await response.json()]).toEqual([200, { origins: [] }])
  })
})
