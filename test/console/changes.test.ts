import { beforeAll, describe, expect, it } from 'vitest'
import { authorizeUrl, browserOf, CODE_CLIENT, exchangeOf, signInAt } from '../support/authorize.ts'
import { ConsoleBrowser, type ConsoleResponse, inputOf } from '../support/console.ts'
import { FaultyStores } from '../support/faults.ts'
import { addPasskey } from '../support/passkey.ts'
import { enrol } from '../support/second_factor.ts'
import { ISSUER, PASSWORD, TestServer } from '../support/server.ts'

const stores = new FaultyStores()
const server = new TestServer({ env: stores.env })
let admin: Awaited<ReturnType<typeof ConsoleBrowser.signIn>>
let support: typeof admin
beforeAll(async () => {
  admin = await ConsoleBrowser.signIn(server)
  support = await ConsoleBrowser.signIn(server, ['support'])
})

const newId = () => `c-${crypto.randomUUID()}`

async function create(
  fields: Record<string, string | string[]> = {},
): Promise<{ id: string; response: ConsoleResponse }> {
  const id = newId()
  const response = await admin.post('/console/clients/~new', {
    client_id: id,
    api: 'storefront',
    kind: 'confidential',
    grants: ['password'],
    scopes: ['cart'],
    ...fields,
  })
  return { id, response }
}

/** The version in the form that posts to a path. */
function versionOfEdit(html: string, path: string): string {
  return inputOf(html.split(`action="${path}"`)[1] ?? '', 'etag')
}

async function etagOf(path: string): Promise<string> {
  return inputOf((await admin.get(path)).html, 'etag')
}

describe('a new client', () => {
  it('the response to a new client shows its secret once, and the secret works', async () => {
    const { id, response } = await create()
    expect(response.status).toBe(201)
    expect(response.headers.get('Cache-Control')).toBe('no-store, no-transform')
    const [client_secret = ''] = /sps_[\w-]{43}/.exec(response.html) ?? []
    const { username } = await server.addUser()
    const parameters = { grant_type: 'password', client_id: id, client_secret, username, password: PASSWORD }
    expect((await server.postForm(parameters)).status).toBe(200)
    for (const path of [`/console/clients/${id}`, `/console/audit?client_id=${id}`]) {
      const { status, html } = await admin.get(path)
      expect(status).toBe(200)
      expect(html).not.toContain('sps_')
    }
  })

  it('a form that is sent twice, in parallel or later, creates one client and shows the same secret', async () => {
    const fields = { client_id: newId(), api: 'storefront', kind: 'confidential', grants: ['password'] }
    const { html } = await admin.get('/console/clients/~new')
    const form = { ...fields, idempotency_key: inputOf(html, 'idempotency_key') }
    const send = () => admin.post('/console/clients/~new', form)
    const answers = [...(await Promise.all([send(), send()])), await send()]
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201])
    expect(new Set(answers.map((answer) => /sps_[\w-]{43}/.exec(answer.html)?.[0])).size).toBe(1)
    const path = `/console/clients/${fields.client_id}`
    const key = inputOf((await admin.get(path)).html, 'idempotency_key')
    const add = () => admin.post(`${path}/secrets`, { idempotency_key: key })
    const added = await Promise.all([add(), add()])
    expect(added.map(({ status }) => status)).toEqual([201, 201])
    expect(new Set(added.map((answer) => /sps_[\w-]{43}/.exec(answer.html)?.[0])).size).toBe(1)
    const reused = await admin.post('/console/clients/~new', { ...form, client_id: newId() })
    expect(reused.status).toBe(422)
    expect(reused.html).toContain(
      'This form was sent before, with other values or before a change of SEALING_KEY.',
    )
    expect(inputOf(reused.html, 'idempotency_key')).not.toBe(form.idempotency_key)
  })

  it.each([
    [{ grants: ['password', 'client_credentials'] }, 'grant_type=client_credentials', true],
    [{ kind: 'public' }, 'username=guest', false],
    [{ api: 'backoffice', kind: 'public', scopes: [] }, 'username=USERNAME', false],
  ])(
    'the page of a new client shows client id, token URL and a token request: %o',
    async (fields, part, isSecret) => {
      const { id, response } = await create(fields)
      const { html } = response
      expect(html).toContain(`<dt>Client id</dt><dd><code class="id">${id}</code></dd>`)
      expect(html).toContain(`<dt>Token URL</dt><dd><code class="id">${ISSUER}/oauth2-token</code></dd>`)
      const [, command = ''] = /id="token-request">([^<]*)</.exec(html) ?? []
      expect(command.startsWith(`curl -sS ${ISSUER}/oauth2-token \\\n  --data-urlencode grant_type=`)).toBe(
        true,
      )
      expect(command).toContain(`--data-urlencode ${part}`)
      expect(command).toContain(`--data-urlencode client_id=${id}`)
      expect(command.includes('client_secret=sps_')).toBe(isSecret)
      if (part.includes('USERNAME')) return expect(html).toContain('Replace USERNAME and PASSWORD')
      const body = new URLSearchParams(
        [...command.matchAll(/--data-urlencode (\w+)=(\S+)/g)].map(([, name = '', value = '']) => [
          name,
          value,
        ]),
      )
      expect((await server.postForm(Object.fromEntries(body))).status).toBe(200)
    },
  )

  it('a change of the API or the pool leads to a URL with the typed values, without secrets, and creates nothing', async () => {
    const typed = {
      client_id: newId(),
      kind: 'public',
      name: 'Typed',
      grants: ['password'],
      scopes: ['cart'],
    }
    const secrets = { own_password: PASSWORD, idempotency_key: 'x' }
    const { response } = await create({ ...typed, ...secrets, api: 'storefront', switch_to: 'backoffice' })
    const address = `?api=backoffice&client_id=${typed.client_id}&kind=public&grants=password&scopes=cart&name=Typed`
    expect([response.status, response.location]).toEqual([303, `/console/clients/~new${address}`])
    const { status, html } = await admin.get(response.location ?? '')
    expect(status).toBe(200)
    expect([inputOf(html, 'client_id'), inputOf(html, 'name'), inputOf(html, 'api')]).toEqual([
      typed.client_id,
      'Typed',
      'backoffice',
    ])
    expect(html).toMatch(/value="public" checked=""/)
    expect(html).not.toContain('value="cart"')
    expect(html).toMatch(/name="switch_to" value="backoffice"[^>]* aria-current="true"/)
    expect(await server.services.clientAdmin.find(typed.client_id)).toBeNull()
    const draft = { pool: 'customers', username: 'someone', 'profile.name': 'Some One', password: PASSWORD }
    const user = await admin.post('/console/users/new', { ...draft, switch_to: 'operators' })
    expect([user.status, user.location]).toEqual([
      303,
      '/console/users/new?pool=operators&username=someone&profile.name=Some+One',
    ])
    const form = await admin.get(user.location ?? '')
    expect([form.status, inputOf(form.html, 'username'), inputOf(form.html, 'pool')]).toEqual([
      200,
      'someone',
      'operators',
    ])
  })

  it('a change of the API with values that are too long for a URL shows the form at once', async () => {
    const typed = { client_id: newId(), kind: 'public', name: 'Typed', origins: 'x'.repeat(5000) }
    const { response } = await create({ ...typed, api: 'storefront', switch_to: 'backoffice' })
    const { status, html, location } = response
    expect([status, location, inputOf(html, 'client_id')]).toEqual([200, null, typed.client_id])
  })

  it('the form of a new client says that its API cannot change', async () => {
    const { html } = await admin.get('/console/clients/~new')
    expect(html).toContain('An application that can get tokens for one API. You cannot change the API later.')
  })

  it('a public client has no secret', async () => {
    const { response } = await create({ kind: 'public' })
    expect(response.html).toContain('has no secret')
    expect(response.html).not.toContain('sps_')
  })

  it('a refused form keeps the typed values and shows the reason at the field', async () => {
    const { response } = await create({
      client_id: 'no good',
      name: 'A name',
      grants: ['client_credentials'],
      kind: 'public',
      origins: 'https://ok.test\nnot an origin',
      access_token_lifetime: 'soon',
      scopes: ['orders'],
    })
    const { status, html } = response
    expect(status).toBe(422)
    expect(inputOf(html, 'client_id')).toBe('no good')
    expect(html).toContain('<title>Error: New client · Sallyport</title>')
    expect(html.match(/autofocus/g)).toHaveLength(1)
    expect(html).toMatch(/<input id="client_id"[^>]* autofocus=""/)
    expect(html).toContain('<li><a href="#client_id">Client id</a>: must be 1 to 64 letters')
    expect(html).toContain('<li><a href="#origins">Web origins, number 2</a>: must be an exact origin')
    expect(html).toContain('aria-describedby="client_id-hint client_id-error" aria-invalid="true"')
    expect(html).toContain('id="client_id-error">Must be 1 to 64 letters')
    expect(html).toContain('<p class="hint" id="client_id-hint">Cannot be changed later.</p>')
    expect(html).toContain('id="origins-error">Number 2 must be an exact origin')
    expect(html).toContain('id="access_token_lifetime-error">Must be 60 to 86400 seconds')
    expect(inputOf(html, 'access_token_lifetime')).toBe('soon')
    expect(html).toContain('https://ok.test\nnot an origin')
    expect(html).toMatch(/value="client_credentials" checked=""/)
    expect(html).toMatch(/value="public" checked=""/)
    expect(html).not.toMatch(/value="cart" checked/)
  })

  it('the form says that the client id is taken', async () => {
    const { id } = await create()
    const { response } = await create({ client_id: id })
    expect(response.status).toBe(409)
    expect(response.html).toContain('id="client_id-error">Is taken')
  })

  it('the form keeps the typed values while the stores are down', async () => {
    stores.up = false
    const { response } = await create({ name: 'Typed with care' })
    stores.up = true
    expect(response.status).toBe(503)
  })
})

describe('an edit', () => {
  it('a saved edit shows a notice once after the redirect', async () => {
    const { id } = await create()
    const path = `/console/clients/${id}`
    const fields = {
      name: 'Renamed',
      grants: ['password'],
      scopes: ['cart', 'orders'],
      origins: 'https://a.test',
    }
    const response = await admin.post(path, { ...fields, etag: await etagOf(path) })
    expect(response).toMatchObject({ status: 303, location: path, done: 'client-saved' })
    expect((await admin.get('/console/clients')).html).not.toContain('role="status"')
    const { html } = await admin.get(response.location ?? '')
    expect(html).toContain('<p class="note good" role="status">The client was saved.</p>')
    expect((await admin.get(path)).html).not.toContain('role="status"')
    expect(inputOf(html, 'name')).toBe('Renamed')
    expect(await server.services.clientAdmin.find(id)).toMatchObject({ origins: ['https://a.test'] })
  })

  it('the settings of sign-ins by browser are radio buttons and texts, and a form without them keeps them', async () => {
    const form = await admin.get('/console/clients/~new')
    expect(form.html).toMatch(/name="require_pkce" value="true" checked/)
    expect(form.html).toMatch(/name="first_party" value="false" checked/)
    expect(form.html).toMatch(/name="id_token_signed_response_alg" value="RS256" checked/)
    expect(form.html).toContain('<details class="part"><summary>Sign-in by browser</summary>')
    const base = { grants: ['authorization_code'], scopes: ['cart'] }
    const refused = await create({ ...base, redirect_uris: 'https://a.test/cb\nhttps://a.test@b.test/' })
    expect(refused.response.html).toContain('Number 2 must not have a username or a password')
    expect(refused.response.html).toContain('<details class="part" open="">')
    const uris = 'https://a.test/cb\nhttp://127.0.0.1/cb'
    const { id, response } = await create({ ...base, redirect_uris: uris, first_party: 'true' })
    expect(response.html).toContain(
      `<dt>Authorization URL</dt><dd><code class="id">${ISSUER}/oauth2-token/authorize<`,
    )
    expect(response.html).not.toContain('id="token-request"')
    const path = `/console/clients/${id}`
    const page = await admin.get(path)
    expect(page.html).toContain('<dt>Application</dt><dd>First-party: no consent</dd>')
    expect(page.html).toContain('<dt>Redirect URIs</dt><dd>https://a.test/cb, http://127.0.0.1/cb</dd>')
    expect(page.html).toMatch(/name="first_party" value="true" checked/)
    const edit = { ...base, require_pkce: 'false', logo_uri: '/logos/a.svg', etag: await etagOf(path) }
    expect((await admin.post(path, edit)).status).toBe(303)
    expect(await server.services.clientAdmin.find(id)).toMatchObject({
      redirectUris: ['https://a.test/cb', 'http://127.0.0.1/cb'],
      isFirstParty: true,
      requiresPkce: false,
      idTokenAlgorithm: 'RS256',
      logoUri: '/logos/a.svg',
    })
    const cleared = { ...base, logo_uri: '', etag: await etagOf(path) }
    expect((await admin.post(path, cleared)).status).toBe(303)
    expect(await server.services.clientAdmin.find(id)).toMatchObject({ logoUri: null, requiresPkce: false })
  })

  it('a client gets an additional API with its scopes and a format of errors, and loses them', async () => {
    const { id } = await create()
    const path = `/console/clients/${id}`
    const base = { grants: ['password'], scopes: ['cart', 'users'] }
    const offered = await admin.get(path)
    expect(offered.html).toMatch(/name="additional_apis" value="backoffice"/)
    expect(offered.html).not.toMatch(
      /name="additional_apis" value="(?:admin|storefront)"|name="scopes" value="users"/,
    )
    expect(offered.html).toMatch(/name="errors" value="" checked/)
    const added = { ...base, additional_apis: ['backoffice'], errors: 'oro', etag: await etagOf(path) }
    expect((await admin.post(path, added)).status).toBe(303)
    const stored = { additionalApis: ['backoffice'], scopes: ['cart', 'users'], errorDialect: 'oro' }
    expect(await server.services.clientAdmin.find(id)).toMatchObject(stored)
    expect((await admin.get(path)).html).toMatch(/name="scopes" value="users" checked/)
    const kept = { ...base, additional_apis: [], etag: await etagOf(path) }
    const refused = await admin.post(path, kept)
    expect([refused.status, refused.html]).toEqual([
      422,
      expect.stringContaining('must be a scope of the API'),
    ])
    const removed = { ...kept, scopes: ['cart'], errors: '' }
    expect((await admin.post(path, removed)).status).toBe(303)
    expect(await server.services.clientAdmin.find(id)).toMatchObject({
      additionalApis: [],
      scopes: ['cart'],
      errorDialect: null,
    })
  })

  it('an outdated edit changes nothing, keeps the typed values, shows the current ones, and can be saved again', async () => {
    const { id } = await create()
    const path = `/console/clients/${id}`
    const etag = await etagOf(path)
    const base = { grants: ['password'], scopes: ['cart'] }
    await admin.post(path, { ...base, name: 'Theirs', etag })
    const stale = await admin.post(path, { ...base, name: 'Mine', etag })
    expect(stale.status).toBe(412)
    expect(stale.html).toContain(
      'Another operator saved this client after you opened it.</strong> Nothing was saved.',
    )
    expect(stale.html.match(/role="alert"/g)).toHaveLength(1)
    expect(stale.html).toMatch(/Display name<.*?<code>Mine<\/code>.*?<code>Theirs<\/code>/)
    expect(inputOf(stale.html, 'name')).toBe('Mine')
    expect(stale.html).toContain('Saved value: <code>Theirs</code>')
    expect(await server.services.clientAdmin.find(id)).toMatchObject({ name: 'Theirs' })
    const again = await admin.post(path, { ...base, name: 'Mine', etag: inputOf(stale.html, 'etag') })
    expect(again.status).toBe(303)
    expect(await server.services.clientAdmin.find(id)).toMatchObject({ name: 'Mine' })
  })

  it('a refused form keeps the version that its operator saw, so the corrected form meets the conflict', async () => {
    const { id } = await create()
    const { id: userId, username } = await server.addUser()
    const forms = [
      {
        path: `/console/clients/${id}`,
        base: { grants: ['password'], scopes: ['cart'] },
        name: 'name',
        field: 'access_token_lifetime',
      },
      {
        path: `/console/users/${encodeURIComponent(userId)}`,
        base: { username },
        name: 'profile.name',
        field: 'profile.email',
      },
    ]
    for (const { path, base, name, field } of forms) {
      const etag = await etagOf(path)
      expect((await admin.post(path, { ...base, [name]: 'Theirs', etag })).status).toBe(303)
      const refused = await admin.post(path, { ...base, [name]: 'Mine', [field]: 'wrong', etag })
      expect([refused.status, versionOfEdit(refused.html, path)]).toEqual([422, etag])
      const mistyped = await admin.post(`${path}/delete`, { etag, typed_name: 'another' })
      expect([mistyped.status, versionOfEdit(mistyped.html, `${path}/delete`)]).toEqual([422, etag])
      const corrected = await admin.post(path, { ...base, [name]: 'Mine', etag })
      expect(corrected.status).toBe(412)
      expect(corrected.html).toMatch(/<code>Mine<\/code>.*?<code>Theirs<\/code>/)
      expect(versionOfEdit(corrected.html, path)).not.toBe(etag)
      // The conflict is the first element below the heading, and the browser focuses it.
      expect(corrected.html).toMatch(
        /<\/header><div class="note warn" role="alert" tabindex="-1" autofocus="">/,
      )
      expect(corrected.html.match(/autofocus/g)).toHaveLength(1)
      expect(inputOf((await admin.get(path)).html, name)).toBe('Theirs')
    }
  })

  it('an edit without its version is refused', async () => {
    const { id } = await create()
    const response = await admin.post(`/console/clients/${id}`, { name: 'x', grants: ['password'], etag: '' })
    expect([412, 428]).toContain(response.status)
    expect(await server.services.clientAdmin.find(id)).toMatchObject({ name: id })
  })
})

describe('a client', () => {
  it('a new client needs a grant', async () => {
    const client_id = newId()
    const fields = { client_id, api: 'storefront', kind: 'confidential' }
    const { status, html } = await admin.post('/console/clients/~new', fields)
    expect(status).toBe(422)
    expect(html).toContain('id="grants-error">Must have at least one grant')
    expect(await server.services.clientAdmin.find(client_id)).toBeNull()
  })

  it('an admin adds a secret, retires one, and disables, enables and deletes a client', async () => {
    const { id } = await create()
    const path = `/console/clients/${id}`
    const added = await admin.post(`${path}/secrets`)
    expect(added).toMatchObject({ status: 201, html: expect.stringMatching(/sps_[\w-]{43}/) })
    const third = await admin.post(`${path}/secrets`)
    expect(third).toMatchObject({ status: 409, html: expect.stringContaining('Retire one first') })
    const [, secretId = ''] = /\/secrets\/([\w-]+)\/retire/.exec((await admin.get(path)).html) ?? []
    const steps = [
      [`secrets/${secretId}/retire`, 'secret-retired'],
      ['sign-out', 'client-signed-out'],
      ['disable', 'client-disabled'],
      ['enable', 'client-enabled'],
    ]
    for (const [step, done] of steps) {
      expect(await admin.post(`${path}/${step}`)).toMatchObject({ location: path, done })
    }
    const mistyped = await admin.post(`${path}/delete`, { etag: await etagOf(path), typed_name: 'another' })
    expect(mistyped.status).toBe(422)
    expect(mistyped.html).toMatch(/<details class="confirm" open=""><summary class="button danger">Delete…/)
    expect(mistyped.html).toContain(`id="typed_name-error">You typed another name. Type ${id}.`)
    expect(mistyped.html).toContain('<a href="#typed_name">Client id to delete</a>: You typed another name.')
    const deleted = await admin.post(`${path}/delete`, { etag: await etagOf(path), typed_name: id })
    expect(deleted).toMatchObject({ location: '/console/clients', done: 'client-deleted' })
    expect((await admin.get(path)).status).toBe(404)
  })
})

describe('a confirmation', () => {
  it('a confirmation names the object, the effect and the number of live sessions, and has Cancel', async () => {
    const client = await server.addClient()
    const user = await server.addUser()
    const path = `/console/clients/${client.id}`
    const userPath = `/console/users/${user.id}`
    expect((await admin.get(path)).html).toContain(`>End 0 sessions of ${client.id}<`)
    await server.signIn(client, user.username)
    await server.signIn(client, 'guest', 'guest')
    await server.settle()
    const { html } = await support.get(path)
    expect(html).toContain(`<p class="confirm-title">End 2 sessions of ${client.id}</p>`)
    expect(html).toContain(`<a class="button" href="${path}">Cancel</a>`)
    const { html: ofUser } = await admin.get(userPath)
    for (const title of [`End 1 session of`, 'Disable', 'Delete', 'Set a password for']) {
      expect(ofUser).toContain(`<p class="confirm-title">${title} ${user.username}`)
    }
    const dangers = [...ofUser.matchAll(/<summary class="button danger">([^<]+)…/g)].map(([, name]) => name)
    expect(new Set(dangers)).toEqual(
      new Set(['Sign out everywhere', 'Set a password', 'Disable', 'Delete', 'Erase', 'End this session']),
    )
    expect(ofUser).toContain(`>Delete ${user.username} and end 1 session<`)
    await admin.post(`${path}/sign-out`)
    const { html: after } = await admin.get(path)
    expect(after).toContain('All tokens of the client were revoked, and 2 sessions ended.')
    expect(after).toContain(`>End 0 sessions of ${client.id}<`)
  })
})

describe('a user', () => {
  it('a user becomes an admin after the operator has typed the password of the operator, in both forms', async () => {
    const { html } = await admin.get('/console/users/new?pool=operators')
    expect(html).toContain('Your own password')
    const draft = {
      pool: 'operators',
      username: `${crypto.randomUUID()}@x.test`,
      password: 'the first one',
      roles: ['support', 'admin'],
    }
    const refused = await admin.post('/console/users/new', draft)
    expect(refused.status).toBe(403)
    expect(refused.html).toContain(
      '<strong>Your own password is required.</strong> Nothing was saved. Fix the fields marked below.',
    )
    expect(refused.html).not.toContain('/admin/api')
    const made = await admin.post('/console/users/new', { ...draft, own_password: PASSWORD })
    const [path = ''] = made.location?.split('?') ?? []
    expect(made).toMatchObject({ location: path, done: 'user-created' })
    const edit = async (roles: string[], ownPassword = '') => {
      const fields = { username: draft.username, roles, own_password: ownPassword }
      return admin.post(path, { ...fields, etag: await etagOf(path) })
    }
    expect(await edit(['support'])).toMatchObject({ location: path, done: 'user-saved' })
    expect((await edit(['admin'])).status).toBe(403)
    expect(await edit(['admin'], PASSWORD)).toMatchObject({ location: path, done: 'user-saved' })
    await admin.post(`${path}/disable`)
    expect((await admin.post(`${path}/enable`)).status).toBe(403)
    const enabled = await admin.post(`${path}/enable`, { own_password: PASSWORD })
    expect(enabled).toMatchObject({ location: path, done: 'user-enabled' })
  })

  it('a wrong password of the operator sets no password of a user: the form stays open with an error at each field', async () => {
    const { id } = await server.addUser()
    const path = `/console/users/${encodeURIComponent(id)}`
    const fields = { password: 'short', own_password: 'mistyped', must_change_password: 'yes' }
    const { status, html } = await admin.post(`${path}/password`, fields)
    expect(status).toBe(403)
    expect(html).toContain(
      '<strong>Your own password is wrong.</strong> Nothing was saved. Fix the fields marked below.',
    )
    expect(html).toMatch(/<details class="confirm" open=""><summary class="button danger">Set a password…/)
    expect(html).toContain('id="own-password-error">Your own password is wrong.<')
    expect(html).toContain(
      'id="password-error">The password is too short: it must have at least 8 characters<',
    )
    expect(html).toMatch(/name="must_change_password" value="yes" checked/)
    const unchecked = await admin.post(`${path}/password`, {
      password: 'long enough',
      own_password: 'mistyped',
    })
    expect(unchecked.html).not.toContain('id="password-error"')
    expect(unchecked.html).not.toMatch(/name="must_change_password" value="yes" checked/)
    const { html: untouched } = await admin.get(path)
    expect(untouched).not.toContain('<details class="confirm" open')
  })

  it('a wrong password of the operator makes no admin: the page shows the error at the field', async () => {
    const draft = { pool: 'operators', username: `${crypto.randomUUID()}@x.test`, password: 'short' }
    const made = await admin.post('/console/users/new', {
      ...draft,
      roles: ['admin'],
      own_password: 'mistyped',
    })
    expect(made.status).toBe(403)
    expect(made.html).toContain('id="own-password-for-roles-error">Your own password is wrong.<')
    expect(made.html).toContain('id="password-error">The password is too short')
    const missing = await admin.post('/console/users/new', { ...draft, roles: ['admin'] })
    expect(missing.html).toContain('id="own-password-for-roles-error">Your own password is required.<')
    const { id } = await server.addUser({ pool: 'operators', roles: ['admin'], enabled: false })
    const path = `/console/users/${encodeURIComponent(id)}`
    const enabled = await admin.post(`${path}/enable`, { own_password: 'mistyped' })
    expect(enabled.status).toBe(403)
    expect(enabled.html).toMatch(/<details class="confirm" open=""><summary class="button">Enable…/)
    expect(enabled.html).toContain('id="own-password-to-enable-error">Your own password is wrong.<')
  })

  it('an operator cannot disable or delete the own account, and the page has no such action', async () => {
    const path = `/console/users/${admin.user.id}`
    const { html } = await admin.get(path)
    expect(html).not.toContain(`${encodeURIComponent(admin.user.id)}/disable`)
    expect(html).not.toMatch(/name="must_change_password" value="yes" checked/)
    const response = await admin.post(`${path}/disable`)
    expect(response).toMatchObject({ status: 409, html: expect.stringContaining('Another admin can do it') })
  })
})

describe('support', () => {
  it('support sees users and clients, and only forms that it can send', async () => {
    const { id } = await create()
    const { id: userId } = await server.addUser()
    for (const [path, action] of [
      [`/console/clients/${id}`, 'Sign out everywhere'],
      [`/console/users/${userId}`, 'Require a password change'],
    ] as const) {
      const { status, html } = await support.get(path)
      expect(status).toBe(200)
      expect(html).toContain(action)
      expect(html.includes('Disable')).toBe(path.startsWith('/console/users'))
      for (const word of ['Delete', 'Save', 'Add a secret', 'Set a password', 'Retire']) {
        expect(html).not.toContain(`>${word}`)
      }
    }
    expect((await support.get('/console/clients')).html).not.toContain('New client')
    expect((await support.get('/console/keys')).html).not.toContain('Rotate')
    expect((await support.get(`/console/users/${admin.user.id}`)).html).not.toContain('<summary')
  })

  it('support sees the consents of a user and withdraws one, which ends the sessions that began under it', async () => {
    const partner = await server.addClient({ ...CODE_CLIENT, isFirstParty: false, name: 'Partner & Co' })
    const { id, username } = await server.addUser()
    const path = `/console/users/${encodeURIComponent(id)}`
    expect((await support.get(path)).html).not.toContain('Consents')
    const browser = browserOf(server)
    await browser.open(authorizeUrl(partner, { scope: 'cart orders' }))
    await signInAt(browser, username)
    const { url } = await browser.press('Allow')
    const tokens = await server.requireTokens(exchangeOf(partner, url.searchParams.get('code')))
    const { html } = await support.get(path)
    const [, section = ''] = /<h2 id="consents">(.*?)<\/section>/s.exec(html) ?? []
    expect(section).toContain('Third-party clients that the user allowed, newest first')
    expect(section).toMatch(
      /Partner &amp; Co<.*>cart, orders.*<code class="id">https:\/\/app\.test\/callback<\/code>.*<time/s,
    )
    expect(section).toContain('<p class="confirm-title">Withdraw the consent to Partner &amp; Co</p>')
    const [, action = ''] = /action="([^"]+\/withdraw)"/.exec(section) ?? []
    expect(await support.post(action)).toMatchObject({ location: path, done: 'consent-withdrawn' })
    expect((await support.get(path)).html).not.toContain('Consents')
    await expect(server.refresh(partner, tokens.refresh_token)).rejects.toThrow('invalid_grant')
    const missing = await support.post(action.replace(/[^/]+\/withdraw$/, 'nothing/withdraw'))
    expect(missing.status).toBe(404)
  })

  it('support sees the second factors of a user and removes one, or all of them, which ends the sessions', async () => {
    const client = await server.addClient()
    const user = await server.addUser()
    const path = `/console/users/${encodeURIComponent(user.id)}`
    expect((await support.get(path)).html).not.toContain('Second factors')
    await enrol(server, user)
    const passkey = await addPasskey(server, user, 'Ann <& phone')
    const tokens = await server.signIn(client, user.username)
    const { html } = await support.get(path)
    const [, section = ''] = /<h2 id="second-factors">(.*?)<\/section>/s.exec(html) ?? []
    expect(section).toMatch(/Authenticator app<span class="under">10 recovery codes left<.*>Never</s)
    expect(section).toContain('Passkey “Ann &lt;&amp; phone”')
    expect(section).toContain(
      `Remove the authenticator app and the recovery codes of ${user.username} and end 1 session<`,
    )
    expect(section).not.toContain('Your own password')
    const posted = await support.post(`${path}/factors/totp/remove`)
    expect(posted).toMatchObject({ location: path, done: 'factor-removed' })
    await expect(server.refresh(client, tokens.refresh_token)).rejects.toThrow('invalid_grant')
    const left = (await support.get(path)).html
    expect(left).not.toContain('Authenticator app<')
    expect(left).toContain(`${passkey.id}/remove`)
    expect(await support.post(`${path}/remove-all-factors`)).toMatchObject({ done: 'factors-removed' })
    expect((await support.get(path)).html).not.toContain('Second factors')
    expect((await support.post(`${path}/factors/totp/remove`)).status).toBe(404)
  })

  it('the removal of a factor of another operator asks for the password of the acting admin, whose own page has no such button', async () => {
    const other = await server.addUser({ pool: 'operators', roles: ['support'] })
    await enrol(server, other)
    await enrol(server, { id: admin.user.id, username: admin.user.username })
    const path = `/console/users/${encodeURIComponent(other.id)}`
    const refused = await admin.post(`${path}/factors/totp/remove`, { own_password: 'a wrong one' })
    expect(refused.status).toBe(403)
    expect(refused.html).toContain('id="own-password-to-remove-totp"')
    const given = { own_password: PASSWORD }
    expect(await admin.post(`${path}/factors/totp/remove`, given)).toMatchObject({ done: 'factor-removed' })
    const own = await admin.get(`/console/users/${encodeURIComponent(admin.user.id)}`)
    expect(own.html).toContain('Second factors')
    expect(own.html).not.toContain('Remove this factor')
  })

  it.each(['/console/clients/~new', '/console/users/new'])('support gets 403 at %s', async (path) => {
    const { status, html } = await support.get(path)
    expect([status, html]).toEqual([
      403,
      expect.stringMatching(/the role admin can create a (?:client|user)\./),
    ])
    expect((await support.post(path)).status).toBe(403)
  })

  it('the admin API also refuses the posts of support', async () => {
    const response = await support.post(`/console/users/${admin.user.id}/disable`)
    expect(response).toMatchObject({
      status: 403,
      html: expect.stringContaining(
        'A change of an operator is allowed only for operators with the role admin',
      ),
    })
    expect((await support.post('/console/keys/rotate')).status).toBe(403)
  })

  it('support disables users and signs them out', async () => {
    const { id } = await server.addUser()
    const path = `/console/users/${encodeURIComponent(id)}`
    expect(await support.post(`${path}/sign-out`)).toMatchObject({ location: path, done: 'user-signed-out' })
    expect(await support.post(`${path}/disable`)).toMatchObject({ location: path, done: 'user-disabled' })
  })
})

describe('a client that signs in operators by browser', () => {
  it('the forms ask for the password of the operator to create it, to add a redirect URI, to enable it and to add a secret', async () => {
    const uri = 'https://a.test/cb'
    const base = { grants: ['authorization_code'], scopes: [], first_party: 'true', redirect_uris: uri }
    const missing = (await create({ ...base, api: 'admin' })).response
    const needed = [403, expect.stringContaining('Your own password is required.')]
    expect([missing.status, missing.html]).toEqual(needed)
    const { id, response } = await create({ ...base, api: 'admin', own_password: PASSWORD })
    expect(response.status).toBe(201)
    const path = `/console/clients/${id}`
    const send = async (action: string, fields: object) => {
      const etag = await etagOf(path)
      const [refused, done] = [
        await admin.post(path + action, { etag, ...fields }),
        await admin.post(path + action, { etag, ...fields, own_password: PASSWORD }),
      ]
      expect([refused.status, refused.html]).toEqual(needed)
      return done
    }
    const more = { ...base, redirect_uris: 'https://a.test/cb\nhttps://b.test/cb' }
    expect(await send('', more)).toMatchObject({ location: path, done: 'client-saved' })
    // A save without a new value needs no password.
    const renamed = await admin.post(path, { ...more, name: 'Renamed', etag: await etagOf(path) })
    expect(renamed).toMatchObject({ location: path, done: 'client-saved' })
    expect((await admin.get(path)).html).toContain('id="own-password-for-secret"')
    expect((await send('/secrets', {})).status).toBe(201)
    await admin.post(`${path}/disable`)
    expect((await admin.get(path)).html).toContain('id="own-password-for-enable"')
    expect(await send('/enable', {})).toMatchObject({ location: path, done: 'client-enabled' })
  })
})

describe('a service account', () => {
  it('the forms ask for the password of the operator to create a service account, to extend it and to add a secret', async () => {
    const page = (await admin.get('/console/clients/~new?api=admin')).html
    expect(page).toContain(
      'Required for a client with a scope of the admin API or the grant authorization_code, if it gets a scope, a grant, a redirect URI or keys, or becomes first-party.',
    )
    expect(page).not.toMatch(/value="users:write"[^>]*checked/)
    expect((await admin.get('/console/clients/~new')).html).not.toContain('own-password-for-scopes')
    const draft = { api: 'admin', grants: ['client_credentials'], scopes: ['users:read'] }
    const missing = (await create(draft)).response
    expect([missing.status, missing.html]).toEqual([
      403,
      expect.stringContaining('Your own password is required.'),
    ])
    const { id, response } = await create({ ...draft, own_password: PASSWORD })
    expect([response.status, response.html]).toEqual([201, expect.stringContaining('sps_')])
    const path = `/console/clients/${id}`
    const save = async (own: Record<string, string>) =>
      admin.post(path, {
        etag: await etagOf(path),
        name: id,
        grants: draft.grants,
        scopes: ['users:read', 'users:write'],
        ...own,
      })
    expect((await save({})).status).toBe(403)
    expect(await save({ own_password: PASSWORD })).toMatchObject({ location: path, done: 'client-saved' })
    const refused = await admin.post(`${path}/secrets`, {})
    expect([refused.status, refused.html]).toEqual([
      403,
      expect.stringContaining('Your own password is required.'),
    ])
    expect((await admin.post(`${path}/secrets`, { own_password: PASSWORD })).status).toBe(201)
    const { html } = await admin.get(path)
    expect(html).toContain('all earlier tokens of the account stop working at once')
  })
})
