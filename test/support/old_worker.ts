import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Bundle, readBundle } from '../../scripts/worker_bundle.ts'
import { startWorker, type WorkerServer } from '../../scripts/worker_server.ts'
import { spawnWrangler } from '../../scripts/wrangler.ts'
import { buildOnce } from './shared_builds.ts'

/** The last commit of the first release: version 0.1.0 with the migrations 0001 to 0007. */
export const FIRST_RELEASE = '9fe590c5578253b02b07edd66720defdddb06fe7'

const OWN_SCOPE = '@sallyport'

/** A Worker of an earlier commit, built with the packages of today. */
export interface OldWorker {
  bundle: Bundle
  configPath: string
  /** The directory of its migrations. */
  migrations: string
}

/** The settings with which an old Worker serves the data of another one. */
export interface OldServing {
  port: number
  stateDirectory: string
  sealingKey: string
}

/** Whether the history has the commit. A shallow clone and an archive do not have it. */
export function hasCommit(commit: string): boolean {
  return git('cat-file', '-t', commit) === 'commit'
}

/** The commit before the newest migration; HEAD if that migration is not committed yet; null without history. */
export function findPreviousVersion(): string | null {
  const newest = readdirSync('migrations').sort().at(-1) ?? ''
  const added = git('log', '-1', '--diff-filter=A', '--format=%H', '--', `migrations/${newest}`)
  const before = added === '' ? 'HEAD' : `${added}^`
  const commit = git('rev-parse', '--verify', '--quiet', before)
  return commit === '' ? null : commit
}

/** Builds the Worker of a commit once in a run. Its issuer is that of config.yml of today. */
export async function buildOldWorker(commit: string): Promise<OldWorker> {
  const directory = await buildOnce(`worker-${commit}`, async (draft) => {
    mkdirSync(draft, { recursive: true })
    const archive = execFileSync('git', ['archive', commit], { maxBuffer: 1e9 })
    execFileSync('tar', ['x', '-C', draft], { input: archive })
    linkPackages(draft)
    const config = join(draft, 'config.yml')
    writeFileSync(config, readFileSync(config, 'utf8').replaceAll('http://127.0.0.1:', 'http://localhost:'))
    const build = spawnWrangler(['deploy', '--dry-run', '--minify', '--outdir', 'out'], {
      cwd: draft,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const [code] = await once(build, 'exit')
    if (code !== 0) throw new Error(`the Worker of ${commit} does not build`)
  })
  return {
    bundle: readBundle(join(directory, 'out')),
    configPath: join(directory, 'wrangler.toml'),
    migrations: join(directory, 'migrations'),
  }
}

export function startOldWorker(
  { bundle, configPath }: OldWorker,
  { port, stateDirectory, sealingKey }: OldServing,
): Promise<WorkerServer> {
  const variables = { SEALING_KEY: sealingKey, LOCAL_PORT: String(port), LOCAL_INBOX: 'true' }
  return startWorker(bundle, configPath, { variables, port, stateDirectory })
}

/** Links the packages of today. Those of this repository are the ones of the commit. */
function linkPackages(directory: string): void {
  const target = join(directory, 'node_modules')
  mkdirSync(join(target, OWN_SCOPE), { recursive: true })
  for (const name of readdirSync('node_modules').filter((entry) => entry !== OWN_SCOPE))
    symlinkSync(resolve('node_modules', name), join(target, name))
  const packages = join(directory, 'packages')
  for (const name of existsSync(packages) ? readdirSync(packages) : [])
    symlinkSync(join('..', '..', 'packages', name), join(target, OWN_SCOPE, name))
}

/** The output of git; empty if it fails. */
function git(...parameters: string[]): string {
  if (!existsSync('.git')) return ''
  try {
    return execFileSync('git', parameters, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return ''
  }
}
