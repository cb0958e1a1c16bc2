import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Bundle } from '../../scripts/worker_bundle.ts'
import {
  makeTemporaryDirectory,
  type ServiceOptions,
  type ServiceServer,
  startService,
} from '../../scripts/worker_server.ts'
import { compact } from '../../src/lib/compact.ts'
import { findChildren } from './child_processes.ts'

/** A service in its own workerd, with stores on disk. A test kills it without warning and starts it again on the same files. */
export class KillableService {
  service: ServiceServer
  readonly #bundle: Bundle
  /** The settings of each start. */
  readonly #identity: Identity
  #pid: number

  private constructor(bundle: Bundle, identity: Identity, run: Run) {
    this.#bundle = bundle
    this.#identity = identity
    this.service = run.service
    this.#pid = run.pid
  }

  /** Starts a service with new stores. */
  static async start(
    bundle: Bundle,
    options: Pick<ServiceOptions, 'databases' | 'hasLargeBudgets'> = {},
  ): Promise<KillableService> {
    const identity = {
      ...options,
      stateDirectory: join(makeTemporaryDirectory(), 'state'),
      sealingKey: randomBytes(32).toString('base64url'),
    }
    return new KillableService(bundle, identity, await startOnce(bundle, identity))
  }

  /** Kills workerd (SIGKILL) and starts it again on the same files. @returns the time without a server, in milliseconds */
  async killAndRestart(): Promise<number> {
    const killedAt = Date.now()
    process.kill(this.#pid, 'SIGKILL')
    await this.#restart()
    return Date.now() - killedAt
  }

  /** The same after a time, by another process: a call to a Worker can block this one. @param work Runs until the kill */
  async killDuring(work: () => Promise<unknown>, afterMs: number): Promise<void> {
    const killer = spawn('sh', ['-c', `sleep ${afterMs / 1000}; kill -KILL ${this.#pid}`])
    const isKilled = once(killer, 'exit')
    await work()
    await isKilled
    await this.#restart()
  }

  async #restart(): Promise<void> {
    const port = Number(new URL(this.service.origin).port)
    await this.service.close()
    expect(findChildren('workerd')).not.toContain(this.#pid)
    const run = await startOnce(this.#bundle, { ...this.#identity, port })
    this.service = run.service
    this.#pid = run.pid
  }
}

/** The secret, the directory of the stores, and the options of a service. */
interface Identity extends Pick<ServiceOptions, 'databases' | 'hasLargeBudgets'> {
  stateDirectory: string
  sealingKey: string
}

interface Run {
  service: ServiceServer
  /** The workerd of the service. */
  pid: number
}

/** @param settings.port Absent: a free port */
async function startOnce(bundle: Bundle, settings: Identity & { port?: number }): Promise<Run> {
  const others = findChildren('workerd')
  const service = await startService(bundle, compact(settings))
  const [pid, ...rest] = findChildren('workerd').filter((child) => !others.includes(child))
  if (pid === undefined || rest.length > 0) throw new Error('which workerd is that of the service?')
  return { service, pid }
}
