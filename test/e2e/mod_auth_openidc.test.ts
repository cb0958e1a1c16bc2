import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text as readAll } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CookieJar } from '../../scripts/cookie_jar.ts'
import { LOCAL_SIGNED_OUT } from '../../scripts/demo_data.ts'
import { reservePort } from '../../scripts/free_port.ts'
import { signInByForms } from '../../scripts/sign_in_by_forms.ts'
import { RealServers } from '../support/real_servers.ts'
import { CUSTOMER } from '../support/token_client.ts'

// Apache with mod_auth_openidc is a relying party of another project, unmodified: Debian's libapache2-mod-auth-openidc.

const MODULES = '/usr/lib/apache2/modules'
const APACHE = '/usr/sbin/apache2'
const isInstalled = existsSync(APACHE) && existsSync(`${MODULES}/mod_auth_openidc.so`)

/** The JSON that mod_auth_openidc tells about a session (OIDCInfoHook). */
interface Info {
  access_token: string
  refresh_token: string
  id_token: Record<string, unknown>
  userinfo: Record<string, unknown>
}

/** An Apache server whose pages need a sign-in at the service. */
class Apache {
  readonly origin: string
  readonly #directory: string
  readonly #server: ChildProcess

  private constructor(origin: string, directory: string, server: ChildProcess) {
    this.origin = origin
    this.#directory = directory
    this.#server = server
  }

  static async start(issuer: string): Promise<Apache> {
    const directory = mkdtempSync(join(tmpdir(), 'sallyport-apache-'))
    const origin = `http://127.0.0.1:${await reservePort()}`
    // Apache reads the pages as another user.
    chmodSync(directory, 0o755)
    mkdirSync(join(directory, 'htdocs'))
    writeFileSync(join(directory, 'htdocs', 'index.html'), 'the protected page')
    writeFileSync(join(directory, 'apache.conf'), configOf(directory, origin, issuer))
    const server = spawn(APACHE, ['-f', join(directory, 'apache.conf'), '-DFOREGROUND'], { stdio: 'inherit' })
    for (let i = 0; i < 100 && !existsSync(join(directory, 'apache.pid')); i++) await sleep(100)
    return new Apache(origin, directory, server)
  }

  get log(): string {
    return readFileSync(join(this.#directory, 'error.log'), 'utf8')
  }

  async close(): Promise<void> {
    this.#server.kill('SIGTERM')
    await once(this.#server, 'exit')
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

function configOf(directory: string, origin: string, issuer: string): string {
  const modules = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'dir', 'auth_openidc']
  return `
ServerRoot ${directory}
ServerName 127.0.0.1
Listen ${new URL(origin).host}
PidFile ${directory}/apache.pid
ErrorLog ${directory}/error.log
DefaultRuntimeDir ${directory}
DocumentRoot ${directory}/htdocs
DirectoryIndex index.html
User www-data
Group www-data
${modules.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`).join('\n')}
OIDCProviderMetadataURL ${issuer}/.well-known/openid-configuration
OIDCClientID ${CUSTOMER.client_id}
OIDCClientSecret ${CUSTOMER.client_secret}
OIDCRedirectURI ${origin}/callback
OIDCScope "openid profile email cart"
OIDCPKCEMethod S256
OIDCRedirectURLsAllowed ^${LOCAL_SIGNED_OUT}$
OIDCCryptoPassphrase a-passphrase-of-the-test
OIDCInfoHook access_token id_token userinfo refresh_token session
<Directory />
  AllowOverride None
</Directory>
<Location />
  AuthType openid-connect
  Require valid-user
</Location>
`
}

interface Page {
  status: number | undefined
  location: string
  text: string
}

/**
 * A browser for one origin: it keeps cookies and follows no redirect. It does not use `fetch`, whose `Sec-Fetch-Mode` says that a
 * script sent the request.
 */
class Visitor {
  readonly #cookies = new CookieJar()

  async open(url: string): Promise<Page> {
    const request = get(url, { headers: { Cookie: this.#cookies.header, Accept: 'text/html' } })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    this.#cookies.keep(response.headers['set-cookie'] ?? [])
    const { statusCode: status, headers } = response
    return { status, location: headers.location ?? '', text: await readAll(response) }
  }
}

describe.skipIf(!isInstalled)('mod_auth_openidc', () => {
  let servers: RealServers
  let apache: Apache

  beforeAll(async () => {
    servers = await RealServers.start()
    apache = await Apache.start(servers.service.config.issuer)
  })

  afterAll(async () => {
    await apache.close()
    await servers.close()
  })

  it('Apache signs a customer in by the code flow, reads userinfo, refreshes and signs out', async () => {
    const visitor = new Visitor()
    const first = await visitor.open(`${apache.origin}/`)
    expect(first.status, apache.log).toBe(302)
    const cookies = new CookieJar()
    const callback = await signInByForms(first.location, { ...CUSTOMER, cookies })
    const back = await visitor.open(callback.href)
    expect(back.status, apache.log).toBe(302)
    const page = await visitor.open(`${apache.origin}/`)
    expect(page.text).toBe('the protected page')
    const before = await info(visitor)
    expect(before.id_token).toMatchObject({ iss: servers.service.config.issuer, aud: CUSTOMER.client_id })
    expect(before.userinfo.sub).toBe(before.id_token.sub)
    const after = await info(visitor, '&access_token_refresh_interval=0')
    expect(after.refresh_token).not.toBe(before.refresh_token)
    const leaving = await visitor.open(
      `${apache.origin}/callback?logout=${encodeURIComponent(LOCAL_SIGNED_OUT)}`,
    )
    expect(leaving.status, apache.log).toBe(302)
    // The first response signs out without a question, and the second one asks for a password.
    const end = await openAtService(leaving.location, cookies)
    expect([end.status, end.headers.get('Location')]).toEqual([303, LOCAL_SIGNED_OUT])
    const again = await openAtService((await visitor.open(`${apache.origin}/`)).location, cookies)
    expect([again.status, await again.text()]).toEqual([200, expect.stringContaining('type="password"')])
  })

  /** The response of the service to the browser that signed in. */
  function openAtService(url: string, { header }: CookieJar): Promise<Response> {
    return fetch(url, { headers: { Accept: 'text/html', Cookie: header }, redirect: 'manual' })
  }

  async function info(visitor: Visitor, more = ''): Promise<Info> {
    const response = await visitor.open(`${apache.origin}/callback?info=json${more}`)
    expect(response.status, apache.log).toBe(200)
    return JSON.parse(response.text) as Info
  }
})
