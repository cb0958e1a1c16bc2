import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import { CliError } from '../core/exit_code.ts'
import { clean } from '../core/table.ts'

/** Writes a line for each refused row to a file, or passes it to `say`. */
export class Report {
  readonly #say: (text: string) => void
  readonly #file: WriteStream | null

  private constructor(say: (text: string) => void, file: WriteStream | null) {
    this.#say = say
    this.#file = file
  }

  /** @throws CliError if the file cannot be written */
  static async open(path: string | undefined, say: (text: string) => void): Promise<Report> {
    if (path === undefined) return new Report(say, null)
    const file = createWriteStream(path, { mode: 0o600 })
    await once(file, 'open').catch((error: Error) => {
      throw new CliError('failed', `${path}: ${error.message}`)
    })
    return new Report(say, file)
  }

  refuse(line: number, name: string, reason: string): void {
    const text = clean(`line ${line}: ${name}: ${reason}`)
    if (this.#file) this.#file.write(`${text}\n`)
    else this.#say(text)
  }

  async close(): Promise<void> {
    if (this.#file) await new Promise<void>((resolve) => this.#file?.end(resolve))
  }
}
