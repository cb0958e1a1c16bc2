import { closeSync, openSync, rmSync } from 'node:fs'
import { isCode } from '../api/file_lock.ts'
import type { ClientWithSecret } from '../api/schemas.ts'
import { CliError } from '../core/exit_code.ts'
import type { Terminal } from '../core/terminal.ts'
import { writeNow } from '../core/write_now.ts'
import { adviceForSecret } from './secret_output.ts'

/** The destination of new secrets. */
export interface NewSecrets {
  /** Writes the secret of a new client. @throws CliError that names the secret if it cannot be written */
  add(client: ClientWithSecret): void
  /** The secrets for the JSON document at the end. */
  readonly kept: readonly KeptSecret[]
  close(): void
}

export interface KeptSecret {
  client_id: string
  client_secret: string
  advice: string
}

/** Writes each secret to standard output. */
export function toStdout(terminal: Terminal): NewSecrets {
  return {
    kept: [],
    add: (client) => terminal.printSecret(formatLine(client), adviceOf(client)),
    close: () => {},
  }
}

/** Keeps the secrets for a JSON document. */
export function toJsonDocument(): NewSecrets {
  const kept: KeptSecret[] = []
  return {
    kept,
    add: (client) =>
      void kept.push({
        client_id: client.client_id,
        client_secret: client.client_secret ?? '',
        advice: adviceOf(client),
      }),
    close: () => {},
  }
}

/** Creates a file of mode 0600 for the secrets. @throws CliError if the file exists or cannot be created */
export function toFile(path: string): NewSecrets {
  const descriptor = create(path)
  let isEmpty = true
  return {
    kept: [],
    add(client) {
      isEmpty = false
      try {
        writeNow(descriptor, `${formatLine(client)}\n`)
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        throw new CliError('failed', `${path}: ${reason}. ${adviceOf(client)}`, { cause: error })
      }
    },
    close() {
      closeSync(descriptor)
      if (isEmpty) rmSync(path)
    },
  }
}

function create(path: string): number {
  try {
    return openSync(path, 'wx', 0o600)
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error
    const problem = `${path} exists already. Choose a new file: the command never overwrites secrets.`
    throw new CliError('failed', problem, { cause: error })
  }
}

function formatLine({ client_id, client_secret }: ClientWithSecret): string {
  return `${client_id},${client_secret}`
}

function adviceOf({ client_id, secrets }: ClientWithSecret): string {
  return adviceForSecret(client_id, secrets[0]?.secret_id)
}
