import { createInterface, type Interface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { CliError, PipeClosed, UsageError } from './exit_code.ts'
import { writeNow } from './write_now.ts'

const MAX_INPUT_CHARACTERS = 64 * 1024

/** Results go to stdout, all other texts to stderr. Questions need a terminal on stdin and stderr. */
export class Terminal {
  #lines: string[] | null = null

  get isInteractive(): boolean {
    return process.stdin.isTTY === true && process.stderr.isTTY === true
  }

  /** Whether stderr is a terminal, which can show a progress line. */
  get hasProgress(): boolean {
    return process.stderr.isTTY === true
  }

  /** The width of stdout in cells; Infinity if stdout is not a terminal. */
  get columns(): number {
    return process.stdout.isTTY ? (process.stdout.columns ?? 80) : Infinity
  }

  /** @throws PipeClosed; CliError if the text cannot be written, such as on a full disk */
  print(text: string): void {
    try {
      this.#write(`${text}\n`)
    } catch (error) {
      if (codeOf(error) === 'EPIPE') throw new PipeClosed()
      throw new CliError('failed', `The output is incomplete: standard output failed with ${codeOf(error)}.`)
    }
  }

  /**
   * Prints a secret that cannot be shown again.
   *
   * @param advice Names the secret, for an operator who has to replace it.
   * @throws CliError with the advice if the secret cannot be written
   */
  printSecret(text: string, advice: string): void {
    try {
      this.#write(`${text}\n`)
    } catch (error) {
      throw new CliError('failed', `Standard output failed with ${codeOf(error)}. ${advice}`)
    }
  }

  #write(text: string): void {
    // A console of Windows needs the encoding of the stream.
    if (process.stdout.isTTY) process.stdout.write(text)
    else writeNow(1, text)
  }

  say(text: string): void {
    process.stderr.write(`${text}\n`)
  }

  /** @throws UsageError if there is no terminal and `isAgreed` is false; CliError if the user declines */
  async confirm(question: string, isAgreed: boolean): Promise<void> {
    if (isAgreed) return
    if (!this.isInteractive) throw new UsageError(`${question} Repeat it with --yes.`)
    const response = await this.ask(`${question} [y/N] `)
    if (!/^y(es)?$/i.test(response.trim())) throw new CliError('failed', 'Nothing was done.')
  }

  /** @throws CliError if the user interrupts, or the input ends */
  ask(question: string): Promise<string> {
    return this.#readLine(this.#open(process.stderr), question)
  }

  /** Reads a password: without echo from a terminal, otherwise the next line of stdin. @throws UsageError, CliError */
  async readSecret(question: string): Promise<string> {
    if (this.isInteractive) return this.#askWithoutEcho(`${question}: `)
    this.#lines ??= (await readAll(process.stdin)).split(/\r?\n/)
    const line = this.#lines.shift() ?? ''
    if (line === '') throw new UsageError(`${question}: give it on a line of standard input`)
    return line
  }

  /** Reads a new password. A terminal asks for it twice. @throws UsageError, CliError */
  async readNewSecret(question: string): Promise<string> {
    const secret = await this.readSecret(question)
    if (this.isInteractive && (await this.readSecret(`${question}, once more`)) !== secret) {
      throw new UsageError('the two are not the same')
    }
    return secret
  }

  async #askWithoutEcho(question: string): Promise<string> {
    const silence = new Writable({ write: (_chunk, _encoding, done) => done() })
    const prompt = this.#open(silence)
    // The terminal stops its own echo when the prompt opens. A user types after the question.
    process.stderr.write(question)
    const typed = await this.#readLine(prompt, '')
    this.say('')
    return typed
  }

  #open(output: NodeJS.WritableStream): Interface {
    return createInterface({ input: process.stdin, output, terminal: this.isInteractive, historySize: 0 })
  }

  async #readLine(prompt: Interface, question: string): Promise<string> {
    const end = new Promise<never>((_resolve, reject) => {
      const stop = () => reject(new CliError('interrupted', 'Interrupted.'))
      prompt.once('SIGINT', () => this.say(''))
      prompt.once('SIGINT', stop).once('close', stop)
    })
    try {
      return await Promise.race([prompt.question(question), end])
    } finally {
      prompt.close()
    }
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

async function readAll(input: NodeJS.ReadStream): Promise<string> {
  let text = ''
  input.setEncoding('utf8')
  for await (const chunk of input) {
    text += chunk
    if (text.length > MAX_INPUT_CHARACTERS) throw new UsageError('standard input is too long')
  }
  return text
}
