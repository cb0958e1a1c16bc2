import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { CliError } from '../core/exit_code.ts'
import { isCode, withFileLock } from './file_lock.ts'

/** The stored tokens of a session. */
export interface Credentials {
  accessToken: string
  refreshToken: string
  /** Of the access token. Unix seconds. */
  expiresAt: number
}

interface CredentialFile {
  /** The server of the last login. */
  current: string | null
  servers: Record<string, Credentials>
}

const NO_CREDENTIALS: CredentialFile = { current: null, servers: {} }

/** Returns the config directory of the user, by the convention of the operating system. */
export function findConfigDirectory(env: NodeJS.ProcessEnv = process.env): string {
  if (env.SALLYPORT_CONFIG_DIR) return env.SALLYPORT_CONFIG_DIR
  if (process.platform === 'win32' && env.APPDATA) return join(env.APPDATA, 'sallyport')
  return join(env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'sallyport')
}

/** Stores the operator's tokens for each server in one file of mode 0600. */
export class CredentialStore {
  readonly #directory: string

  constructor(directory = findConfigDirectory()) {
    this.#directory = directory
  }

  get path(): string {
    return join(this.#directory, 'credentials.json')
  }

  async find(server: string): Promise<Credentials | null> {
    return (await this.#read()).servers[server] ?? null
  }

  async findCurrentServer(): Promise<string | null> {
    return (await this.#read()).current
  }

  /** Runs `work` under a lock, so that one command at a time changes the file or refreshes tokens. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return withFileLock(`${this.path}.lock`, work)
  }

  /** Call this only inside `exclusively`. */
  async save(server: string, credentials: Credentials, { isCurrent = false } = {}): Promise<void> {
    const { current, servers } = await this.#read()
    await this.#write({
      current: isCurrent ? server : current,
      servers: { ...servers, [server]: credentials },
    })
  }

  /** Call this only inside `exclusively`. */
  async remove(server: string): Promise<void> {
    const { current, servers } = await this.#read()
    const others = Object.entries(servers).filter(([name]) => name !== server)
    await this.#write({ current, servers: Object.fromEntries(others) })
  }

  async #read(): Promise<CredentialFile> {
    try {
      return decodeFile(JSON.parse(await readFile(this.path, 'utf8')))
    } catch (error) {
      if (isCode(error, 'ENOENT')) return NO_CREDENTIALS
      if (!(error instanceof SyntaxError)) throw error
      throw new CliError('failed', `${this.path} is malformed. Remove it and sign in again.`)
    }
  }

  /** Replaces the file atomically. The new file has mode 0600 from its creation. */
  async #write(file: CredentialFile): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    const draft = `${this.path}.${randomBytes(6).toString('hex')}`
    try {
      await writeFile(draft, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600, flag: 'wx', flush: true })
      await rename(draft, this.path)
    } catch (error) {
      await rm(draft, { force: true })
      throw error
    }
  }
}

function decodeFile(value: unknown): CredentialFile {
  const { current, servers }: { current?: unknown; servers?: unknown } = Object(value)
  const entries = Object.entries(Object(servers)).flatMap(([server, stored]) => {
    const credentials = decodeCredentials(stored)
    return credentials === null ? [] : [[server, credentials] as const]
  })
  return { current: typeof current === 'string' ? current : null, servers: Object.fromEntries(entries) }
}

function decodeCredentials(value: unknown): Credentials | null {
  const { accessToken, refreshToken, expiresAt }: Partial<Record<keyof Credentials, unknown>> = Object(value)
  const isWhole = typeof accessToken === 'string' && typeof refreshToken === 'string'
  return isWhole && typeof expiresAt === 'number' ? { accessToken, refreshToken, expiresAt } : null
}
