import type { Bundle } from '../scripts/worker_bundle.ts'
import { startService } from '../scripts/worker_server.ts'
import { BASELINES, type Case } from './cases.ts'
import { boundVerification } from './dpop_operations.ts'
import { type Comparison, type Contestant, compare } from './load.ts'
import { addMillions } from './million.ts'
import { CONSTANT, MACHINE_TOKEN, type Operation, SIGN_IN_OPERATION, verification } from './operations.ts'
import { type Measured, type Servers, start } from './servers.ts'
import type { Measurement } from './tables.ts'

const CONCURRENCIES = [1, 32, 256]
const CONCURRENCY = 32
const ROUND_MS = 700
const QUEUED_SIGN_INS = 4
const LONG_ROUND_MS = 2000

/** Compares each operation with its baseline, and measures the verifier. */
export async function compareAll(cases: readonly Case[], servers: Servers): Promise<Measurement[]> {
  const measurements: Measurement[] = []
  for (const { operation, server: own = 'service', baseline: baselineName, roundMs = ROUND_MS } of cases) {
    const subject = contestant(servers[own], operation)
    const { server, operation: minimum } = BASELINES[baselineName]
    const baseline = contestant(servers[server], minimum)
    for (const concurrency of CONCURRENCIES) {
      const comparison = await report(operation, concurrency, () =>
        compare({ subject, baseline }, { concurrency, roundMs }),
      )
      measurements.push({ operation: operation.name, baselineName, ...comparison })
    }
  }
  return measurements
}

/** Compares an API that verifies a token, and a proof of its key, with an API that ignores them. */
export async function compareVerifier({ service, verifier, constant }: Servers): Promise<Measurement[]> {
  const baseline = contestant(constant, CONSTANT)
  const measurements: Measurement[] = []
  for (const operation of [
    verification(service.send),
    boundVerification(service.send, verifier.server.origin),
  ]) {
    const subject = contestant(verifier, operation)
    for (const concurrency of CONCURRENCIES) {
      const comparison = await report(operation, concurrency, () =>
        compare({ subject, baseline }, { concurrency, roundMs: ROUND_MS }),
      )
      measurements.push({ operation: operation.name, baselineName: 'constant', ...comparison })
    }
  }
  return measurements
}

/** Compares machine tokens during queued sign-ins with machine tokens alone. */
export function compareDuringSignIns({ service }: Servers): Promise<Comparison> {
  const alone = contestant(service, MACHINE_TOKEN)
  const background = { operation: SIGN_IN_OPERATION, callers: QUEUED_SIGN_INS }
  return report(MACHINE_TOKEN, CONCURRENCY, () =>
    compare(
      { subject: { ...alone, background }, baseline: alone },
      { concurrency: CONCURRENCY, roundMs: LONG_ROUND_MS },
    ),
  )
}

/** Compares a service with a million users and sessions with a service with few. */
export async function compareFullWithEmpty(cases: readonly Case[], bundle: Bundle): Promise<Measurement[]> {
  const empty = await start(startService(bundle, { hasLargeBudgets: true }))
  const full = await start(startService(bundle, { hasLargeBudgets: true, fill: addMillions }))
  const measurements: Measurement[] = []
  for (const { operation, baseline: baselineName, roundMs = ROUND_MS } of cases) {
    const contestants = { subject: contestant(full, operation), baseline: contestant(empty, operation) }
    const comparison = await report(operation, CONCURRENCY, () =>
      compare(contestants, { concurrency: CONCURRENCY, roundMs }),
    )
    measurements.push({ operation: operation.name, baselineName, ...comparison })
  }
  return measurements
}

function contestant({ send, workerd }: Measured, operation: Operation): Contestant {
  return { operation, send, cpuMs: workerd?.cpuMs ?? (() => Number.NaN) }
}

async function report(
  { name }: Operation,
  concurrency: number,
  measure: () => Promise<Comparison>,
): Promise<Comparison> {
  const comparison = await measure()
  console.error(`${name}, ${concurrency} at once: ${comparison.ratio.toFixed(2)}`)
  return comparison
}
