import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'
import type { Reporter } from 'vitest/node'
import { forgetBuilds, makeRunDirectory } from './test/support/run_directory.ts'

makeRunDirectory()

// What wrangler would run before it bundles the Worker.
execFileSync('node', ['--import', './scripts/require_node.js', 'scripts/build_config.ts'], {
  stdio: 'inherit',
})

// Three test files run at the same time. On two cores, one runs while another waits for a timer or a process.
const PARALLEL = 3

// Inside workerd, on the stores of wrangler.toml. The files of a runtime share its stores, and each begins with empty
// ones: the start of a runtime for each file takes longer than the tests.
const workers = {
  plugins: [
    cloudflareTest(async () => ({
      wrangler: { configPath: './wrangler.toml' },
      miniflare: {
        // The tests call the app of management in the same process.
        serviceBindings: { MANAGEMENT: () => new Response(null, { status: 503 }) },
        d1Databases: {
          SESSIONS_EU: 'sessions-eu',
          AUDIT_1: 'audit-1',
          AUDIT_2: 'audit-2',
          INDEX_1: 'index-1',
          INDEX_2: 'index-2',
          USERS_1: 'users-1',
          USERS_2: 'users-2',
        },
        bindings: {
          SEALING_KEY: randomBytes(32).toString('base64url'),
          LOCAL_INBOX: 'true',
          TEST_MIGRATIONS: await readD1Migrations('migrations'),
          FUZZ_RUNS: process.env.FUZZ_RUNS ?? '1',
          FUZZ_SEED: process.env.FUZZ_SEED ?? '',
          PLACES: process.env.PLACES ?? '',
        },
      },
    })),
  ],
  test: {
    name: 'workerd',
    include: ['test/**/*.test.ts'],
    exclude: [
      'test/scripts/**',
      'test/cli/**',
      'test/e2e/**',
      'test/readers/**',
      'test/demo/**',
      'test/console_browser/**',
    ],
    setupFiles: ['test/support/setup.ts'],
    isolate: false,
    maxWorkers: PARALLEL,
    testTimeout: 90_000,
  },
}

// In Node: the npm scripts, and whole servers that talk over HTTP.
const node = {
  test: {
    name: 'node',
    include: ['scripts', 'cli', 'e2e', 'readers'].map((folder) => `test/${folder}/**/*.test.ts`),
    // The files of a worker share its modules: wrangler alone takes most of a second.
    isolate: false,
    maxWorkers: PARALLEL,
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
}

// The demo as `npm run demo` starts it, over HTTP and in Chromium.
const demo = {
  test: {
    name: 'demo',
    include: ['test/demo/**/*.test.ts'],
    globalSetup: ['test/demo/global_setup.ts'],
    setupFiles: ['test/demo/one_file_at_a_time.ts'],
    maxWorkers: PARALLEL,
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
}

// The console in Chromium.
const consoleInBrowser = {
  test: {
    name: 'console',
    include: ['test/console_browser/**/*.test.ts'],
    maxWorkers: PARALLEL,
    testTimeout: 240_000,
    hookTimeout: 180_000,
  },
}

/** Prints the annotations of tests, such as the number of fuzzed inputs. Other output is printed for a failed test only. */
const annotations: Reporter = {
  onTestRunStart: forgetBuilds,
  onTestCaseAnnotate: (_test, { message }) => {
    process.stdout.write(`   ${message}\n`)
  },
}

export default defineConfig({
  test: {
    projects: [workers, node, demo, consoleInBrowser],
    silent: 'passed-only',
    reporters: ['default', annotations],
  },
})
