import type { Bundle } from '../scripts/worker_bundle.ts'
import { startService } from '../scripts/worker_server.ts'
import { type Case, YARDSTICKS } from './cases.ts'
import { type Comparison, type Contestant, compare } from './load.ts'
import { addMillions } from './million.ts'
import { CONSTANT, MACHINE_TOKEN, type Operation, SIGN_IN_OPERATION, verification } from './operations.ts'
import { type Measured, type Servers, start } from './servers.ts'
import type { Measurement } from './tables.ts'

const CONCURRENCIES = [1, 32, 256]
const CONCURRENCY = 32
const ROUND_MS = 700
const SIGN_INS_BESIDE = 4
const LONG_ROUND_MS = 2000

/** Each operation beside its yardstick, and the verifier. */
export async function compareAll(cases: readonly Case[], servers: Servers): Promise<Measurement[]> {
  const measurements: Measurement[] = []
  for (const { operation, yardstick: yardstickName, roundMs = ROUND_MS } of cases) {
    const subject = contestant(servers.service, operation)
    const yardstick = contestant(servers[yardstickName], YARDSTICKS[yardstickName].operation)
    for (const concurrency of CONCURRENCIES) {
      const comparison = await report(operation, concurrency, () =>
        compare({ subject, yardstick }, { concurrency, roundMs }),
      )
      measurements.push({ operation: operation.name, yardstickName, ...comparison })
    }
  }
  return measurements
}

/** A token that an API verifies, beside an API that does not look at it. */
export async function compareVerifier({ service, verifier, constant }: Servers): Promise<Measurement[]> {
  const operation = verification(service.send)
  const contestants = {
    subject: contestant(verifier, operation),
    yardstick: contestant(constant, CONSTANT),
  }
  const measurements: Measurement[] = []
  for (const concurrency of CONCURRENCIES) {
    const comparison = await report(operation, concurrency, () =>
      compare(contestants, { concurrency, roundMs: ROUND_MS }),
    )
    measurements.push({ operation: operation.name, yardstickName: 'constant', ...comparison })
  }
  return measurements
}

/** Machine tokens while sign-ins queue for their hashes, beside machine tokens alone. */
export function compareBesideSignIns({ service }: Servers): Promise<Comparison> {
  const alone = contestant(service, MACHINE_TOKEN)
  const background = { operation: SIGN_IN_OPERATION, callers: SIGN_INS_BESIDE }
  return report(MACHINE_TOKEN, CONCURRENCY, () =>
    compare(
      { subject: { ...alone, background }, yardstick: alone },
      { concurrency: CONCURRENCY, roundMs: LONG_ROUND_MS },
    ),
  )
}

/** Operations of a service with a million people and sessions, beside one with a few, both as new. */
export async function compareFullWithEmpty(cases: readonly Case[], bundle: Bundle): Promise<Measurement[]> {
  const empty = await start(startService(bundle))
  const full = await start(startService(bundle, { fill: addMillions }))
  const measurements: Measurement[] = []
  for (const { operation, yardstick: yardstickName, roundMs = ROUND_MS } of cases) {
    const contestants = { subject: contestant(full, operation), yardstick: contestant(empty, operation) }
    const comparison = await report(operation, CONCURRENCY, () =>
      compare(contestants, { concurrency: CONCURRENCY, roundMs }),
    )
    measurements.push({ operation: operation.name, yardstickName, ...comparison })
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
