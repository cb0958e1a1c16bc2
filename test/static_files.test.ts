import { env, exports } from 'cloudflare:workers'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { LANGUAGES } from '../src/lib/language.ts'
import { packTexts } from '../src/lib/text_table.ts'
import { MAIL_TEXTS } from '../src/mail/languages/mail_texts.ts'
import { TEXTS } from '../src/pages/languages/texts.ts'
import { type AssetBinding, AssetStore } from '../src/storage/asset_store.ts'
import { type TextFolder, TextStore } from '../src/storage/text_store.ts'
import { aroundD1 } from './support/around_d1.ts'
import { TestCaller, TestOperator } from './support/operator.ts'
import { emptyStores, PASSWORD, TestServer } from './support/server.ts'

const PAGE = '/oauth2-token/authorize'
const HTML = { Accept: 'text/html' }
const GERMAN = { headers: { ...HTML, 'Accept-Language': 'de' } }
const ENGLISH_TITLE = `<h1>${TEXTS.en.errors.link.title}</h1>`
const GERMAN_TITLE = `<h1>${TEXTS.de.errors.link.title}</h1>`

/** The binding of the static files. It lists the read files, and `respond` replaces its responses. */
class WatchedFiles implements AssetBinding {
  readonly read: string[] = []
  respond: null | (() => Response | Promise<Response>) = null

  async fetch(url: string): Promise<Response> {
    this.read.push(new URL(url).pathname)
    return this.respond === null ? env.ASSETS.fetch(url) : this.respond()
  }
}

function watchLog(): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = []
  for (const level of ['info', 'warn', 'error'] as const) {
    const spy = vi.spyOn(console, level).mockImplementation((line) => void lines.push(JSON.parse(line)))
    onTestFinished(() => spy.mockRestore())
  }
  return lines
}

beforeEach(emptyStores)

describe('the static files', () => {
  it.each([
    ['pages', TEXTS],
    ['mails', MAIL_TEXTS],
  ] as [TextFolder, Record<string, object>][])(
    'the files of the folder %s have the texts of each language',
    async (folder, tables) => {
      for (const language of LANGUAGES) {
        const store = new TextStore(new AssetStore(env.ASSETS), folder, tables.en ?? {})
        const { language: found, texts } = await store.find(language)
        expect([found, packTexts(texts)]).toEqual([language, packTexts(tables[language] ?? {})])
      }
    },
  )

  it('no static file has an address', async () => {
    for (const path of ['/texts/pages/de.json', '/common_passwords.bin', '/.assetsignore', '/texts']) {
      const response = await exports.default.fetch(`http://localhost:8787${path}`)
      expect([path, response.status, await response.json()]).toEqual([
        path,
        404,
        { error: 'invalid_request', error_description: 'There is no such endpoint.' },
      ])
    }
  })

  it('an isolate reads the texts of a language once, and those of English never', async () => {
    const ASSETS = new WatchedFiles()
    const server = new TestServer({ env: { ASSETS } })
    for (const expected of [GERMAN_TITLE, GERMAN_TITLE]) {
      expect(await (await server.fetch(PAGE, GERMAN)).text()).toContain(expected)
    }
    expect(await (await server.fetch(PAGE, { headers: HTML })).text()).toContain(ENGLISH_TITLE)
    expect(ASSETS.read).toEqual(['/texts/pages/de.json'])
  })

  it('a page begins to read its texts before the databases respond', async () => {
    const ASSETS = new WatchedFiles()
    const begun = Promise.withResolvers<void>()
    ASSETS.respond = () => {
      begun.resolve()
      return env.ASSETS.fetch('https://assets.invalid/texts/pages/de.json')
    }
    const calls: string[] = []
    const DB = aroundD1(async (sql, call) => {
      calls.push(sql)
      await begun.promise
      return call()
    })
    const server = new TestServer({ env: { ASSETS, DB } })
    expect(await (await server.fetch(`${PAGE}?client_id=nothing`, GERMAN)).text()).toContain(GERMAN_TITLE)
    expect(calls.some((sql) => sql.includes('FROM clients'))).toBe(true)
  })

  it.each([
    ['the binding fails', () => Promise.reject(new Error('down')), 'Error: down'],
    ['the file is missing', () => new Response(null, { status: 404 }), 'Error: status 404'],
    ['the file is malformed', () => new Response('<html>'), 'the text cancel is missing'],
  ])(
    'if %s, a page is in English, and the next request reads the file again',
    async (_case, respond, cause) => {
      const ASSETS = new WatchedFiles()
      const server = new TestServer({ env: { ASSETS } })
      const log = watchLog()
      ASSETS.respond = respond
      const refused = await (await server.fetch(PAGE, GERMAN)).text()
      expect(refused).toContain('<html lang="en" dir="ltr">')
      expect(refused).toContain(ENGLISH_TITLE)
      expect(log.filter(({ event }) => event === 'texts_unavailable')).toEqual([
        {
          level: 'error',
          event: 'texts_unavailable',
          folder: 'pages',
          language: 'de',
          cause: expect.stringContaining(cause),
        },
      ])
      ASSETS.respond = null
      expect(await (await server.fetch(PAGE, GERMAN)).text()).toContain(GERMAN_TITLE)
      expect(ASSETS.read).toHaveLength(2)
    },
  )

  it('while the list of common passwords cannot be read, no new password is accepted', async () => {
    const operator = await TestOperator.confirmed(new TestServer())
    const ASSETS = new WatchedFiles()
    ASSETS.respond = () => new Response(null, { status: 500 })
    const { clock } = operator.server
    const caller = new TestCaller(new TestServer({ clock, env: { ASSETS } }), operator.tokens)
    caller.confirmation = operator.confirmation
    const draft = { pool: 'customers', username: 'zoe', password: 'correct horse battery' }
    const refused = await caller.post('/users', draft)
    expect([refused.status, refused.body]).toEqual([
      503,
      {
        type: 'urn:problem-type:sallyport:unavailable',
        title: 'The service is not available now',
        status: 503,
      },
    ])
    expect(await caller.server.signIn(operator.client, operator.username, PASSWORD)).toMatchObject({
      token_type: 'Bearer',
    })
    ASSETS.respond = null
    expect((await caller.post('/users', draft)).status).toBe(201)
  })
})
