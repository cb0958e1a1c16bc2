import { CliError } from '../core/exit_code.ts'
import type { Terminal } from '../core/terminal.ts'
import type { MadeSecret } from '../import/run_import.ts'
import { formatJson } from './output.ts'

/** The secrets of an import: written as soon as their clients exist, or kept for the JSON document at the end. */
export class SecretOutput {
  readonly #terminal: Pick<Terminal, 'print' | 'printSecret'>
  readonly #isJson: boolean
  readonly #lost: MadeSecret[] = []
  #failure: unknown = null
  /** The secrets for the JSON document. */
  readonly kept: MadeSecret[] = []

  constructor(terminal: Pick<Terminal, 'print' | 'printSecret'>, { isJson }: { isJson: boolean }) {
    this.#terminal = terminal
    this.#isJson = isJson
  }

  /** Whether standard output has failed. The import must create no further client. */
  get isBroken(): boolean {
    return this.#lost.length > 0
  }

  add(secret: MadeSecret): void {
    if (this.#isJson) this.kept.push(secret)
    else if (this.isBroken) this.#lost.push(secret)
    else this.#write(secret)
  }

  #write(secret: MadeSecret): void {
    try {
      this.#terminal.printSecret(`${secret.client_id},${secret.client_secret}`, '')
    } catch (error) {
      this.#failure = error
      this.#lost.push(secret)
    }
  }

  /** @throws CliError that names the clients whose secrets are lost */
  requireWritten(): void {
    if (this.#failure === null) return
    const message = this.#failure instanceof Error ? this.#failure.message : ''
    throw new CliError('failed', `${message}${adviceForLost(this.#lost)}`)
  }

  /** Prints the kept secrets after a failure of the import. @throws CliError as `requireWritten` */
  printKept(): void {
    if (this.kept.length === 0) return
    this.#terminal.printSecret(formatJson({ secrets: this.kept }), adviceForLost(this.kept))
  }
}

/** The next step of an operator who lost the new secret of a client. */
export function adviceForSecret(id: string, secretId: string | undefined): string {
  return (
    `The new secret ${secretId} of ${id} is lost. Retire it with "clients retire-secret ${id} ${secretId}", ` +
    `then add another one with "clients add-secret ${id}".`
  )
}

/** The next step of an operator whose import lost new secrets. */
export function adviceForLost(secrets: readonly MadeSecret[]): string {
  if (secrets.length === 0) return ''
  const ids = secrets.map(({ client_id }) => client_id).join(', ')
  return `The new secrets of these clients are lost: ${ids}. Delete the clients, then import them again.`
}
