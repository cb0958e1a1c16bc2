import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { LOCAL_STATE } from './local_stores.ts'
import { signInByForms } from './sign_in_by_forms.ts'

// Does what a newcomer does, with the commands of the README: starts the server, pastes the curl lines, stops it,
// starts it again. It empties the local data first.

type Json = Record<string, unknown>

const START_WITHIN_MS = 120_000
const run = promisify(execFile)
let failed = 0
let passed = 0

function check(behaviour: string, isTrue: boolean): void {
  console.log(`${isTrue ? 'ok' : 'NOT OK'} ${behaviour}`)
  if (isTrue) passed++
  else failed++
}

/** The shell blocks of the README that paste a curl line, in order. */
function readmeBlocks(): string[] {
  const blocks = [...readFileSync('README.md', 'utf8').matchAll(/```sh\n(.*?)```/gs)]
  return blocks.map(([, block = '']) => block).filter((block) => block.includes('curl'))
}

async function paste(block: string): Promise<Json> {
  const { stdout } = await run('bash', ['-e', '-o', 'pipefail', '-c', block])
  return JSON.parse(stdout)
}

const PLACEHOLDER = 'paste-the-code'

/** The block with a code, if it needs one: signs the customer in at the address in the README. */
async function withCode(block: string): Promise<string> {
  if (!block.includes(PLACEHOLDER)) return block
  const [, address = ''] = /```text\n(\S+authorize\?\S+)\n```/.exec(readFileSync('README.md', 'utf8')) ?? []
  const target = await signInByForms(address, {
    username: 'amanda@example.com',
    password: 'correct horse battery staple',
  })
  return block.replace(PLACEHOLDER, target.searchParams.get('code') ?? '')
}

function claims(token: unknown): Json {
  return JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString())
}

/** The expected response of each block of the README. */
const EXPECTED: [string, (response: Json) => boolean][] = [
  [
    'a customer gets tokens of the storefront',
    ({ access_token, refresh_token }) =>
      claims(access_token).aud === 'http://localhost:8787/storefront' && claims(refresh_token).seq === 0,
  ],
  [
    'a guest gets tokens of a visitor',
    ({ access_token }) => String(claims(access_token).sub).startsWith('visitor:'),
  ],
  [
    'a machine gets an access token alone, with the scope of its request',
    (response) => claims(response.access_token).scope === 'orders' && !('refresh_token' in response),
  ],
  ['a refresh gives the successor', ({ refresh_token }) => claims(refresh_token).seq === 1],
  [
    'a code from the browser gives tokens, with an ID token',
    ({ id_token, scope }) => claims(id_token).aud === 'storefront-public' && scope === 'openid cart',
  ],
]

interface RunningServer {
  process: ChildProcess
  output(): string
}

async function start(...parameters: string[]): Promise<RunningServer> {
  const child = spawn('npm', ['start', ...parameters], { stdio: ['ignore', 'pipe', 'pipe'] })
  // If a step fails, no server keeps running.
  process.once('exit', () => child.kill())
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
  const end = Date.now() + START_WITHIN_MS
  while (!output.includes('Sallyport is ready')) {
    if (child.exitCode !== null || Date.now() > end) throw new Error(`npm start failed:\n${output}`)
    await sleep(100)
  }
  return { process: child, output: () => output }
}

/** Ends npm alone, as a supervisor does; the server must follow. */
async function stop(server: RunningServer, origin: string): Promise<void> {
  server.process.kill('SIGTERM')
  for (let i = 0; i < 100; i++) {
    await sleep(100)
    if (!(await isRunning(origin))) return check('npm leaves no server behind', true)
  }
  check('npm leaves no server behind', false)
}

function isRunning(origin: string): Promise<boolean> {
  return fetch(`${origin}/health`).then(
    () => true,
    () => false,
  )
}

async function checkReadme(): Promise<Json> {
  const server = await start()
  const mode = statSync('.dev.vars').mode & 0o777
  check('.dev.vars is readable by its owner alone', mode === 0o600)
  const printed = /^ {2}(curl .*)$/m.exec(server.output())?.[1] ?? 'false'
  check('the printed curl line gives a token', 'access_token' in (await paste(printed)))
  const blocks = readmeBlocks()
  check('every curl block of the README is known here', blocks.length === EXPECTED.length)
  let last: Json = {}
  for (const [i, [behaviour, isRight]] of EXPECTED.entries()) {
    const response = await paste(await withCode(blocks[i] ?? 'false'))
    check(behaviour, isRight(response))
    // The sign-out of the customer below ends the session of the code, which has an ID token.
    if ('refresh_token' in response && !('id_token' in response)) last = response
  }
  await checkOperating()
  await stop(server, 'http://localhost:8787')
  return last
}

/** Runs the operator's commands of the README, with the password on standard input. */
async function checkOperating(): Promise<void> {
  const [, block = 'false'] =
    /```sh\n(npx sallyport login.*?)```/s.exec(readFileSync('README.md', 'utf8')) ?? []
  const [login = '', ...lines] = block.trim().split('\n')
  const script = [`printf '%s\\n' 'operator battery staple' | ${login}`, ...lines].join('\n')
  const configDirectory = mkdtempSync(join(tmpdir(), 'sallyport-smoke-'))
  const env = { ...process.env, SALLYPORT_CONFIG_DIR: configDirectory }
  const { stdout } = await run('bash', ['-e', '-o', 'pipefail', '-c', script], { env })
  check('the commands of the README create a client', /^sps_/m.test(stdout))
  check(
    'the command why gives the reason of a sign-out',
    /because all sessions of the user were ended/.test(stdout),
  )
  rmSync(configDirectory, { recursive: true })
}

async function checkSecondStart({ refresh_token }: Json): Promise<void> {
  const server = await start('--', '--port', '8799')
  const origin = 'http://localhost:8799'
  const metadata = (await (await fetch(`${origin}/.well-known/oauth-authorization-server`)).json()) as Json
  check('the issuer follows the port', metadata.issuer === origin)
  const { access_token } = await postForm(origin, 'username=guest&password=guest&grant_type=password')
  check('the audiences follow the port', claims(access_token).aud === `${origin}/storefront`)
  await stop(server, origin)

  const again = await start()
  const refresh = `grant_type=refresh_token&refresh_token=${refresh_token}`
  const response = await postForm('http://localhost:8787', refresh)
  check('a later start keeps its data', claims(response.refresh_token).seq === 2)
  await stop(again, 'http://localhost:8787')
}

async function postForm(origin: string, form: string): Promise<Json> {
  const body = new URLSearchParams(`${form}&client_id=storefront-public`)
  return (await (await fetch(`${origin}/oauth2-token`, { method: 'POST', body })).json()) as Json
}

async function checkBrokenConfig(): Promise<void> {
  const good = readFileSync('config.yml', 'utf8')
  const restore = () => writeFileSync('config.yml', good)
  process.once('exit', restore)
  writeFileSync('config.yml', good.replace('errors: rfc6749', 'errors: loud\ncolour: red'))
  for (const parameters of [['start'], ['run', 'deploy', '--', '--dry-run']]) {
    const { code, stderr, stdout } = await run('npm', ['--silent', ...parameters]).catch((error) => error)
    const problems =
      /(?:^|\n)config\.yml:\n {2}errors: must be one of rfc6749, oro\n {2}colour: is not a known key \(line \d+\)\n$/
    const isAlone = problems.test(stderr) && stdout === ''
    check(`a broken config.yml stops npm ${parameters.join(' ')} with its list alone`, code === 1 && isAlone)
  }
  restore()
}

rmSync(LOCAL_STATE, { recursive: true, force: true })
try {
  const tokens = await checkReadme()
  await checkSecondStart(tokens)
  await checkBrokenConfig()
} catch (error) {
  console.error(error)
  failed++
}
console.log(`Tests  ${failed} failed | ${passed} passed`)
process.exit(failed === 0 ? 0 : 1)
