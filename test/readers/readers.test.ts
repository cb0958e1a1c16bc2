import { execFile } from 'node:child_process'
import { createPublicKey, verify } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { JwksClient } from 'jwks-rsa'
import {
  allowInsecureRequests as allowHttp,
  discoveryRequest,
  processDiscoveryResponse,
  validateJwtAccessToken,
} from 'oauth4webapi'
import * as openidClient from 'openid-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeTemporaryDirectory, type ServiceServer, startService } from '../../scripts/worker_server.ts'
import { serviceBundle } from '../support/shared_builds.ts'
import { describeRecipes } from './recipes.ts'

// Third-party libraries that read the discovery documents and verify access tokens of the service over HTTP.

const run = promisify(execFile)
const CLIENT = ['storefront-demo', 'storefront-demo-secret'] as const

let directory: string
let service: ServiceServer
let issuer: string
let audience: string
let token: string

beforeAll(async () => {
  directory = makeTemporaryDirectory()
  service = await startService(await serviceBundle())
  issuer = service.config.issuer
  audience = service.config.apis.get('storefront')?.audience ?? ''
  const response = await fetch(`${issuer}/oauth2-token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: CLIENT[0],
      client_secret: CLIENT[1],
    }),
  })
  token = ((await response.json()) as { access_token: string }).access_token
})

afterAll(() => service.close())

/** Whether a program of the system runs. The tests that need a missing program are skipped. */
async function works(command: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<boolean> {
  return run(command, args, { env: { ...process.env, ...env } }).then(
    () => true,
    () => false,
  )
}

/** The output of a reader program. */
async function read(command: string, args: string[]): Promise<Record<string, unknown>> {
  const { stdout } = await run(command, [...args, issuer, audience, token])
  return JSON.parse(stdout)
}

const PYTHON = '/usr/bin/python3'
const hasPyJwt = await works(PYTHON, ['-c', 'import jwt, cryptography'])
const hasAuthlib = await works(PYTHON, ['-c', 'import authlib, cryptography'])

/** The sources of Go packages in Debian. */
const GO = { GO111MODULE: 'off', GOPATH: '/usr/share/gocode' }
const hasGoOidc = await works('go', ['list', 'github.com/coreos/go-oidc'], GO)

const MISSING = Object.entries({
  'python3-jwt': hasPyJwt,
  'python3-authlib': hasAuthlib,
  'golang-go golang-github-coreos-go-oidc-dev': hasGoOidc,
}).flatMap(([packages, isThere]) => (isThere ? [] : [packages]))

if (MISSING.length > 0) {
  process.stdout.write(
    `\nSome readers of tokens are not here, so their tests are skipped. On Debian: apt-get install ${MISSING.join(' ')}\n`,
  )
}

describe('openid-client', () => {
  it.each(['oauth2', 'oidc'] as const)(
    'openid-client discovers the service by %s, gets a token, introspects it and revokes it',
    async (algorithm) => {
      const authentication = openidClient.ClientSecretBasic(CLIENT[1])
      const configuration = await openidClient.discovery(
        new URL(issuer),
        CLIENT[0],
        undefined,
        authentication,
        { algorithm, execute: [openidClient.allowInsecureRequests] },
      )
      const tokens = await openidClient.clientCredentialsGrant(configuration)
      const described = await openidClient.tokenIntrospection(configuration, tokens.access_token)
      expect(described).toMatchObject({ active: true, iss: issuer, aud: audience, sub: CLIENT[0] })
      await openidClient.tokenRevocation(configuration, tokens.access_token)
      const customer = { username: 'amanda@example.com', password: 'correct horse battery staple' }
      const signedIn = await openidClient.genericGrantRequest(configuration, 'password', customer)
      const refreshed = await openidClient.refreshTokenGrant(configuration, signedIn.refresh_token ?? '')
      expect(decodeJwt(refreshed.access_token).sub).toBe(decodeJwt(signedIn.access_token).sub)
    },
  )
})

describe('oauth4webapi', () => {
  it.each(['oauth2', 'oidc'] as const)(
    'oauth4webapi discovers the service by %s and verifies an access token (RFC 9068)',
    async (algorithm) => {
      const options = { [allowHttp]: true }
      const found = await discoveryRequest(new URL(issuer), { algorithm, ...options })
      const server = await processDiscoveryResponse(new URL(issuer), found)
      const request = new Request(audience, { headers: { Authorization: `Bearer ${token}` } })
      const claims = await validateJwtAccessToken(server, request, audience, options)
      expect(claims).toMatchObject({ iss: issuer, aud: audience, sub: CLIENT[0], client_id: CLIENT[0] })
    },
  )
})

describe('jwks-rsa', () => {
  it('jwks-rsa finds the key of an access token, and the key verifies the signature', async () => {
    const { kid } = decodeProtectedHeader(token)
    const client = new JwksClient({ jwksUri: `${issuer}/.well-known/jwks.json` })
    const key = createPublicKey((await client.getSigningKey(kid)).getPublicKey())
    const [header, payload, signature = ''] = token.split('.')
    const signed = Buffer.from(`${header}.${payload}`)
    const isVerified = verify(
      'sha256',
      signed,
      { key, dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature, 'base64url'),
    )
    expect(isVerified).toBe(true)
  })
})

describe('the libraries of Debian', () => {
  it.skipIf(!hasPyJwt)('PyJWT reads both documents and verifies an access token', async () => {
    expect(await read(PYTHON, [join(import.meta.dirname, 'pyjwt_reader.py')])).toEqual({
      subject: CLIENT[0],
      version: expect.any(String),
    })
  })

  it.skipIf(!hasAuthlib)('Authlib validates both documents and verifies an access token', async () => {
    expect(await read(PYTHON, [join(import.meta.dirname, 'authlib_reader.py')])).toEqual({
      subject: CLIENT[0],
      refusals: [],
      version: expect.any(String),
    })
  })

  it.skipIf(!hasGoOidc)('go-oidc discovers the service and verifies an access token', async () => {
    const program = join(directory, 'go_oidc_reader')
    const env = { ...process.env, ...GO, GOCACHE: join(directory, 'go') }
    await run('go', ['build', '-o', program, join(import.meta.dirname, 'go_oidc_reader.go')], { env })
    expect(await read(program, [])).toEqual({
      algorithms: expect.arrayContaining(['ES256', 'RS256']),
      subject: CLIENT[0],
      token_endpoint: `${issuer}/oauth2-token`,
    })
  })
})

describeRecipes(() => issuer)
