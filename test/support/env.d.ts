import type { D1Migration } from 'cloudflare:test'
import type { Env as WorkerEnv } from '../../src/services/environment.ts'

declare global {
  namespace Cloudflare {
    interface Env extends WorkerEnv {
      /** A second database for sessions. */
      SESSIONS_EU: D1Database
      TEST_MIGRATIONS: D1Migration[]
      /** How many times the usual number of inputs, and the seed that they are made from; random where it is empty. */
      FUZZ_RUNS: string
      FUZZ_SEED: string
    }

    interface GlobalProps {
      mainModule: typeof import('../../src/worker.ts')
    }
  }
}
