import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { makeTemporaryDirectory, type ServiceOptions, startService } from '../../scripts/worker_server.ts'
import { buildOnce, serviceBundle } from './shared_builds.ts'

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

interface RunOptions {
  stdin?: string
  env?: Record<string, string>
  /** A file descriptor for standard output, which the result then lacks. */
  stdout?: number
  onStart?: (child: ChildProcess) => void
}

/** The operators of the demo data. */
export const OPERATORS = { operator: 'operator battery staple', support: 'support battery staple' }

const CLI_FILE = 'sallyport.mjs'

/** The built command line. */
async function cliFile(): Promise<string> {
  return join(await buildOnce('cli', buildCli), CLI_FILE)
}

async function buildCli(directory: string): Promise<void> {
  const file = join(directory, CLI_FILE)
  const build = spawn(process.execPath, ['packages/cli/build.js', file], { stdio: 'inherit' })
  const [code] = await once(build, 'exit')
  if (code !== 0) throw new Error('the command line does not build')
}

/** The command line with the settings of one user. */
export class Cli {
  readonly directory: string
  /** The built program. */
  readonly file: string
  readonly #server: string
  readonly configDirectory: string

  constructor({ directory, file, server }: { directory: string; file: string; server: string }) {
    this.directory = directory
    this.file = file
    this.#server = server
    this.configDirectory = mkdtempSync(join(directory, 'config-'))
  }

  static async build(server = 'http://127.0.0.1:9'): Promise<Cli> {
    const directory = makeTemporaryDirectory()
    return new Cli({ directory, file: await cliFile(), server })
  }

  /** The command line of another user, at the same server or another one. */
  another(server = this.#server): Cli {
    return new Cli({ directory: this.directory, file: this.file, server })
  }

  get credentialsPath(): string {
    return join(this.configDirectory, 'credentials.json')
  }

  async run(
    args: readonly string[],
    { stdin = '', env = {}, stdout: file, onStart }: RunOptions = {},
  ): Promise<Ended> {
    const settings = { SALLYPORT_CONFIG_DIR: this.configDirectory, SALLYPORT_SERVER: this.#server, TZ: 'UTC' }
    const child = spawn(process.execPath, [this.file, ...args], {
      env: { ...process.env, ...settings, ...env },
      stdio: ['pipe', file ?? 'pipe', 'pipe'],
    })
    onStart?.(child)
    const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)]
    child.stdin?.on('error', () => {}).end(stdin)
    const [code] = await once(child, 'close')
    return { code, stdout: stdout(), stderr: stderr() }
  }

  async signIn(username: keyof typeof OPERATORS = 'operator'): Promise<void> {
    const { code, stderr } = await this.run(['login', '--username', username], { stdin: OPERATORS[username] })
    if (code !== 0) throw new Error(stderr)
  }

  /** The output of a command with `--json`, parsed. */
  async json(...args: string[]): Promise<Record<string, unknown>> {
    const { stdout, stderr } = await this.run([...args, '--json'])
    if (stdout === '') throw new Error(stderr)
    return JSON.parse(stdout)
  }

  /** Makes the stored access tokens expired. */
  expireAccessToken(): void {
    const file = JSON.parse(readFileSync(this.credentialsPath, 'utf8'))
    for (const credentials of Object.values<{ expiresAt: number }>(file.servers)) credentials.expiresAt = 0
    writeFileSync(this.credentialsPath, JSON.stringify(file), { mode: 0o600 })
  }
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  let text = ''
  stream?.setEncoding('utf8').on('data', (chunk) => {
    text += chunk
  })
  return () => text
}

interface StartOptions extends Pick<ServiceOptions, 'hashKeys'> {
  /** The operator that the command line is signed in as; null for none. */
  operator?: keyof typeof OPERATORS | null
}

/** Starts a real server with the demo data, and a command line that uses it. The server ends after the tests of the file. */
export async function startCli({
  operator = 'operator',
  ...options
}: StartOptions = {}): Promise<{ cli: Cli; issuer: string }> {
  const directory = makeTemporaryDirectory()
  const [bundle, file] = await Promise.all([serviceBundle(), cliFile()])
  const service = await startService(bundle, { ...options, stateDirectory: join(directory, 'state') })
  afterAll(() => service.close())
  const cli = new Cli({ directory, file, server: service.origin })
  if (operator !== null) await cli.signIn(operator)
  return { cli, issuer: service.origin }
}

interface ReplacedResponse {
  status: number
  headers: Record<string, string>
  body: string
}

/** A proxy that drops or replaces selected responses. The server has handled the request before. */
export class LossyProxy {
  readonly #server: Server
  readonly #lost = new Map<string, number>()
  readonly #answered = new Map<string, number>()
  readonly #replaced = new Map<string, ReplacedResponse[]>()
  readonly origin: string
  readonly requests: string[] = []
  /** The delay of each response in milliseconds. */
  delayMs = 0

  private constructor(server: Server) {
    this.#server = server
    this.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  static async start(target: string): Promise<LossyProxy> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const proxy = new LossyProxy(server)
    server.on('request', (incoming, outgoing) => proxy.#forward(target, incoming, outgoing))
    return proxy
  }

  /**
   * @param operation The method and the path, such as `POST /oauth2-token`.
   * @param after The number of responses that the proxy forwards before the dropped one.
   */
  loseAnswerTo(operation: string, { after = 0 } = {}): void {
    this.#lost.set(operation, (this.#answered.get(operation) ?? 0) + after)
  }

  /** Replaces the next responses to an operation, one by each of these. */
  replaceAnswersTo(operation: string, responses: readonly ReplacedResponse[]): void {
    this.#replaced.set(operation, [...responses])
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #forward(target: string, incoming: IncomingMessage, outgoing: ServerResponse): void {
    const operation = `${incoming.method} ${incoming.url?.split('?')[0]}`
    this.requests.push(operation)
    const { host: _host, ...headers } = incoming.headers
    const onward = request(target + incoming.url, { method: incoming.method ?? 'GET', headers }, (response) =>
      this.#answer(operation, response, outgoing),
    )
    onward.on('error', () => outgoing.destroy())
    incoming.pipe(onward)
  }

  #answer(operation: string, response: IncomingMessage, outgoing: ServerResponse): void {
    const place = this.#answered.get(operation) ?? 0
    this.#answered.set(operation, place + 1)
    if (this.#lost.get(operation) === place) {
      response.resume().on('end', () => outgoing.destroy())
      return
    }
    const replaced = this.#replaced.get(operation)?.shift()
    if (replaced !== undefined) {
      response
        .resume()
        .on('end', () => outgoing.writeHead(replaced.status, replaced.headers).end(replaced.body))
      return
    }
    setTimeout(() => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(outgoing)
    }, this.delayMs)
  }
}
