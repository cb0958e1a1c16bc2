import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { requireConfig } from '../../../scripts/config_file.ts'
import { reservePort } from '../../../scripts/free_port.ts'
import { withLocalStores } from '../../../scripts/local_stores.ts'
import { makeTemporaryDirectory, startService } from '../../../scripts/worker_server.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import type { Env } from '../../../src/services/environment.ts'
import { fillFirstRelease, PASSWORD, SHOP } from '../../support/first_release.ts'
import {
  buildOldWorker,
  FIRST_RELEASE,
  findPreviousVersion,
  hasCommit,
  type OldServing,
  startOldWorker,
} from '../../support/old_worker.ts'
import { ServiceCalls } from '../../support/service_calls.ts'
import { serviceBundle } from '../../support/shared_builds.ts'
import { CUSTOMER, GUEST } from '../../support/token_client.ts'

// Workers of earlier commits and of this one take turns on the same stores, as in a deployment, a canary and a rollback.

const previous = findPreviousVersion()
const hasFirstRelease = hasCommit(FIRST_RELEASE)
if (previous === null || !hasFirstRelease)
  process.stdout.write(
    '\nThe history lacks earlier versions, so their tests are skipped. Run: git fetch --unshallow\n',
  )

/** The stores and the address that the Workers share. */
async function makeServing(): Promise<OldServing & { statePath: string }> {
  const statePath = makeTemporaryDirectory()
  const port = await reservePort()
  const sealingKey = randomBytes(32).toString('base64url')
  return { port, statePath, stateDirectory: join(statePath, 'v3'), sealingKey }
}

/** One turn of a Worker. */
type Turn = (requests: CustomerRequests) => Promise<void>

/** Starts this version on the stores, after the missing migrations, with one run of the cron trigger. */
async function withThisVersion(serving: OldServing, who: Customer, turn: Turn): Promise<void> {
  const service = await startService(await serviceBundle(), serving)
  await service.runCron()
  await turn(new CustomerRequests(new ServiceCalls(service.origin), who)).finally(() => service.close())
}

async function withOldVersion(commit: string, serving: OldServing, who: Customer, turn: Turn): Promise<void> {
  const worker = await startOldWorker(await buildOldWorker(commit), serving)
  const calls = new ServiceCalls(`http://localhost:${serving.port}`)
  await turn(new CustomerRequests(calls, who)).finally(() => worker.close())
}

interface Customer {
  client: { client_id: string; client_secret: string }
  username: string
  password: string
}

/** The requests of a customer and an API to one Worker. Each method checks the response. */
class CustomerRequests {
  readonly #calls: ServiceCalls
  readonly #who: Customer

  constructor(calls: ServiceCalls, who: Customer) {
    this.#calls = calls
    this.#who = who
  }

  /** Signs in and refreshes once. @returns the refresh token */
  async signIn(): Promise<string> {
    const { client, username, password } = this.#who
    const { status, body } = await this.#calls.token({
      grant_type: 'password',
      username,
      password,
      ...client,
    })
    expect(status).toBe(200)
    return this.refresh(String(body.refresh_token))
  }

  /** @returns the next refresh token */
  async refresh(token: string): Promise<string> {
    const { status, body } = await this.#refresh(token)
    expect({ status, error: body.error }).toEqual({ status: 200, error: undefined })
    expect(await this.#introspect(String(body.access_token))).toMatchObject({
      active: true,
      sid: decodeJwt(token).sid,
    })
    return String(body.refresh_token)
  }

  async revoke(token: string): Promise<void> {
    const { status } = await this.#calls.post('/oauth2-token/revoke', { token, ...this.#who.client })
    expect(status).toBe(200)
  }

  /** The session is refused, and the revocation feed lists it. */
  async expectEnded(token: string): Promise<void> {
    expect(await this.#refresh(token)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    // An isolate keeps the list for 5 s.
    await expect
      .poll(() => this.#listedSids(), { timeout: 20_000, interval: 500 })
      .toContain(decodeJwt(token).sid)
  }

  async expectMachineToken(): Promise<void> {
    const { status } = await this.#calls.token({ grant_type: 'client_credentials', ...this.#who.client })
    expect(status).toBe(200)
  }

  /** A guest of a public client gets tokens. */
  async expectGuest(clientId: string): Promise<void> {
    const guest = { ...GUEST, client_id: clientId }
    expect((await this.#calls.token({ grant_type: 'password', ...guest })).status).toBe(200)
  }

  async #listedSids(): Promise<unknown[]> {
    const feed = decodeJwt<{ revocations: { sid?: string }[] }>(await this.#calls.text('/revocations'))
    return feed.revocations.map(({ sid }) => sid)
  }

  #refresh(token: string) {
    return this.#calls.token({ grant_type: 'refresh_token', refresh_token: token, ...this.#who.client })
  }

  async #introspect(token: string) {
    return (await this.#calls.post('/oauth2-token/introspect', { token, ...this.#who.client })).body
  }
}

describe('Workers of two versions on the same stores', () => {
  it.skipIf(!hasFirstRelease)(
    'sessions and revocations of the first release survive the upgrade, a rollback and the next upgrade',
    async () => {
      const who = { client: SHOP, username: 'ada@example.com', password: PASSWORD }
      const { statePath, ...serving } = await makeServing()
      const options = {
        config: requireConfig({ localPort: String(serving.port) }),
        sealingKey: serving.sealingKey,
        now: systemClock.now(),
      }
      await withLocalStores<Env, unknown>({ configPath: 'wrangler.toml', statePath }, ({ DB }) =>
        fillFirstRelease(DB, options),
      )
      let live = ''
      const ended: string[] = []
      const serve: Turn = async (requests) => {
        live = live === '' ? await requests.signIn() : await requests.refresh(live)
        const other = await requests.signIn()
        await requests.revoke(other)
        ended.push(other)
        for (const token of ended) await requests.expectEnded(token)
        await requests.expectMachineToken()
        await requests.expectGuest('shop-web')
      }
      await withOldVersion(FIRST_RELEASE, serving, who, serve)
      await withThisVersion(serving, who, serve)
      await withOldVersion(FIRST_RELEASE, serving, who, serve)
      await withThisVersion(serving, who, serve)
      expect(decodeJwt(live).seq).toBe(4)
      expect(ended).toHaveLength(4)
    },
  )

  it.skipIf(previous === null)(
    'the version before the newest migration serves on the new tables, and this version continues its sessions',
    async () => {
      const { username, password, ...client } = CUSTOMER
      const who = { client, username, password }
      const { statePath: _, ...serving } = await makeServing()
      let live = ''
      let ended = ''
      await withThisVersion(serving, who, async (requests) => {
        live = await requests.signIn()
        ended = await requests.signIn()
        await requests.revoke(ended)
      })
      await withOldVersion(previous ?? '', serving, who, async (requests) => {
        await requests.expectEnded(ended)
        live = await requests.refresh(live)
        ended = await requests.signIn()
        await requests.revoke(ended)
        await requests.expectMachineToken()
        await requests.expectGuest(GUEST.client_id)
      })
      await withThisVersion(serving, who, async (requests) => {
        await requests.expectEnded(ended)
        live = await requests.refresh(live)
      })
      expect(decodeJwt(live).seq).toBe(3)
    },
  )
})
