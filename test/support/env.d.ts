import type { D1Migration } from 'cloudflare:test'
import type { Env as WorkerEnv } from '../../src/services.ts'

declare global {
  namespace Cloudflare {
    interface Env extends WorkerEnv {
      /** A second database for sessions. */
      SESSIONS_EU: D1Database
      TEST_MIGRATIONS: D1Migration[]
    }

    interface GlobalProps {
      mainModule: typeof import('../../src/worker.ts')
    }
  }
}
