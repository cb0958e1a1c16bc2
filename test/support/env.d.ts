import type { D1Migration } from 'cloudflare:test'
import type { Env as WorkerEnv } from '../../src/services/environment.ts'

declare global {
  namespace Cloudflare {
    interface Env extends WorkerEnv {
      /** A second database for sessions. */
      SESSIONS_EU: D1Database
      /** Databases for audit events. */
      AUDIT_1: D1Database
      AUDIT_2: D1Database
      /** Databases for the index of sessions in objects. */
      INDEX_1: D1Database
      INDEX_2: D1Database
      /** Further databases for users. */
      USERS_1: D1Database
      USERS_2: D1Database
      TEST_MIGRATIONS: D1Migration[]
      /** The factor for the number of inputs, and their seed. An empty seed is random. */
      FUZZ_RUNS: string
      FUZZ_SEED: string
      /** `all` measures the whole model of places; else empty. */
      PLACES: string
    }

    interface GlobalProps {
      mainModule: typeof import('../../src/worker.ts')
    }
  }
}
