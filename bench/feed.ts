import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'
import { Discovery } from '../packages/verify/src/discovery.ts'
import { Documents as IssuerDocuments } from '../packages/verify/src/documents.ts'
import { KeySource } from '../packages/verify/src/key_source.ts'
import { RevocationPoller } from '../packages/verify/src/revocation_list.ts'
import type { SigningKey } from '../src/keys/signing_key.ts'
import { randomId } from '../src/lib/bytes.ts'
import { type FeedDocument, FeedSnapshot } from '../src/sessions/feed_snapshot.ts'
import type { StoredRevocation } from '../src/sessions/revocation_store.ts'
import { formatTable } from './tables.ts'

/** The sizes of the list, and the number of repetitions. */
const SIZES = [
  { entries: 1, rounds: 400 },
  { entries: 10_000, rounds: 40 },
  { entries: 100_000, rounds: 8 },
] as const

const ISSUER = 'https://id.shop.example'
const NOW = 1_800_000_000
const WINDOW_SECONDS = 3600
const KEY_TIMES = { freshSeconds: 86_400, staleSeconds: 86_400, cooldownSeconds: 30 }

/** The cost of one document on both sides. CPU is in milliseconds of the process. */
export interface FeedMeasurement {
  entries: number
  document: 'whole' | 'one change'
  bytes: number
  /** Building and signing, without the read of D1. */
  serverCpuMs: number
  /** A poll of the verifier: reading, verifying and applying. */
  verifierCpuMs: number
  /** The memory of the list in the verifier. */
  verifierHeapMib: number
}

/** The documents that a verifier gets: a whole list, and then a delta if the delta is measured. */
type Documents = [whole: FeedDocument, change?: FeedDocument]

interface IssuerKeys {
  signing: SigningKey
  jwk: JWK
}

/** Measures the revocation feed in this process, with the code of the service and the verifier. */
export async function measureFeed(): Promise<FeedMeasurement[]> {
  const keys = await makeKeys()
  const measurements: FeedMeasurement[] = []
  for (const { entries, rounds } of SIZES) {
    const revocations = makeRevocations(entries)
    const sign = {
      whole: () => snapshotOf(revocations, keys.signing).full(),
      'one change': () => snapshotOf(revocations, keys.signing).since(String(entries - 1)),
    }
    const before = await snapshotOf(revocations.slice(0, -1), keys.signing).full()
    for (const document of ['whole', 'one change'] as const) {
      const signed = await sign[document]()
      const received: Documents = document === 'whole' ? [signed] : [before, signed]
      measurements.push({
        entries,
        document,
        bytes: signed.token.length,
        serverCpuMs: await cpuOf(rounds, sign[document]),
        ...(await measureVerifier(received, keys, rounds)),
      })
    }
  }
  return measurements
}

export function formatFeed(measurements: readonly FeedMeasurement[]): string {
  const titles = [
    'live entries',
    'document',
    'bytes',
    'server CPU ms',
    'verifier CPU ms',
    'verifier heap MiB',
  ]
  const rows = measurements.map(({ entries, document, bytes, ...costs }) => [
    entries.toLocaleString('en'),
    document,
    bytes.toLocaleString('en'),
    costs.serverCpuMs.toFixed(2),
    costs.verifierCpuMs.toFixed(2),
    costs.verifierHeapMib.toFixed(1),
  ])
  return formatTable(titles, rows, 2)
}

async function makeKeys(): Promise<IssuerKeys> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const exported = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint(exported)
  const jwk = { ...exported, kid, alg: 'ES256', use: 'sig' }
  const stored = { sealedPrivateJwk: '', createdAt: NOW, activatesAt: NOW, retiresAt: null }
  return { jwk, signing: { kid, alg: 'ES256', publicJwk: jwk, ...stored, privateKey, publicKey } }
}

function makeRevocations(count: number): StoredRevocation[] {
  return Array.from({ length: count }, (_, i) => ({
    id: i + 1,
    kind: 'sid',
    value: `s1.${randomId(16)}`,
    before: NOW + 60,
    reason: 'revoked by its client',
    clientId: 'shop',
    expiresAt: NOW + WINDOW_SECONDS,
  }))
}

function snapshotOf(revocations: readonly StoredRevocation[], key: SigningKey): FeedSnapshot {
  const lists = [{ name: 'DB', lastId: revocations.length, revocations }]
  return new FeedSnapshot({ lists, issuer: ISSUER, windowSeconds: WINDOW_SECONDS, key, asOf: NOW })
}

/** Polls for the last document. The verifier has the keys already. */
async function measureVerifier(
  documents: Documents,
  { jwk }: IssuerKeys,
  rounds: number,
): Promise<Pick<FeedMeasurement, 'verifierCpuMs' | 'verifierHeapMib'>> {
  const open = await pollers(documents, jwk)
  const heapBefore = heapMib()
  const held = open()
  for (const poll of held) await poll()
  const verifierHeapMib = Math.max(0, heapMib() - heapBefore)
  // This use keeps the list in memory during the measurement.
  if (held.length !== documents.length) throw new Error('a document was not polled')
  let cpuMs = 0
  for (let i = 0; i <= rounds; i++) {
    const polls = open()
    const last = polls.pop()
    for (const poll of polls) await poll()
    const spent = await cpuOf(1, async () => last?.())
    // The first run is a warm-up.
    if (i > 0) cpuMs += spent
  }
  return { verifierCpuMs: cpuMs / rounds, verifierHeapMib }
}

/** Creates new pollers. A poller is the list of its polls, one for each document. */
async function pollers(documents: Documents, jwk: JWK): Promise<() => (() => Promise<void>)[]> {
  const fetchStatic = async (url: string) =>
    Response.json(
      url.endsWith('jwks.json')
        ? { keys: [jwk] }
        : { issuer: ISSUER, jwks_uri: `${ISSUER}/jwks.json`, revocations_uri: `${ISSUER}/revocations` },
    )
  const issuerDocuments = new IssuerDocuments(fetchStatic, null, KEY_TIMES)
  const discovery = new Discovery({ issuer: ISSUER, origins: [ISSUER] }, issuerDocuments)
  const keys = new KeySource(discovery, issuerDocuments, KEY_TIMES)
  await keys.find(String(jwk.kid), { now: NOW, waitUntil: undefined })
  return () => {
    let served = 0
    const poller = new RevocationPoller({
      issuer: ISSUER,
      discovery,
      keys,
      leewaySeconds: 5,
      pollSeconds: 0,
      fetch: async () => new Response(documents[served++]?.token),
      refusedAfterSeconds: 0,
      maxBytes: Infinity,
      maxEntries: Infinity,
      onError: (error) => {
        throw error
      },
    })
    return documents.map(() => () => poller.poll({ now: NOW, waitUntil: undefined }))
  }
}

/** Processor time of a run in milliseconds, over all threads of this process. */
async function cpuOf(rounds: number, run: () => Promise<unknown>): Promise<number> {
  if (rounds > 1) await run()
  const before = process.cpuUsage()
  for (let i = 0; i < rounds; i++) await run()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / rounds
}

/** Used heap after a garbage collection. */
function heapMib(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed / 1024 ** 2
}
