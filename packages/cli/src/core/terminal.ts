import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import type { ReadStream } from 'node:tty'
import { CliError, UsageError } from './exit_code.ts'

const MAX_INPUT_CHARACTERS = 64 * 1024

/** Results go to stdout, everything else to stderr; questions are asked where both ends are a person's. */
export class Terminal {
  #lines: string[] | null = null

  get isInteractive(): boolean {
    return process.stdin.isTTY === true && process.stderr.isTTY === true
  }

  /** Whether stderr shows what changes in place. */
  get hasProgress(): boolean {
    return process.stderr.isTTY === true
  }

  /** How many characters fit on a line of stdout; Infinity where it is no terminal. */
  get columns(): number {
    return process.stdout.isTTY ? (process.stdout.columns ?? 80) : Infinity
  }

  print(text: string): void {
    process.stdout.write(`${text}\n`)
  }

  say(text: string): void {
    process.stderr.write(`${text}\n`)
  }

  /** @throws UsageError where there is nobody to ask and `isAgreed` is not set; CliError where the response is no */
  async confirm(question: string, isAgreed: boolean): Promise<void> {
    if (isAgreed) return
    if (!this.isInteractive) throw new UsageError(`${question} Repeat it with --yes.`)
    const response = await this.ask(`${question} [y/N] `)
    if (!/^y(es)?$/i.test(response.trim())) throw new CliError('failed', 'Nothing was done.')
  }

  /** @throws CliError where it is interrupted, or there is no more to read */
  async ask(question: string): Promise<string> {
    const prompt = createInterface({ input: process.stdin, output: process.stderr })
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

  /** A password: typed unseen on a terminal, else the next line of stdin. @throws UsageError */
  async readSecret(question: string): Promise<string> {
    if (this.isInteractive) return this.#askUnseen(`${question}: `)
    this.#lines ??= (await readAll(process.stdin)).split(/\r?\n/)
    const line = this.#lines.shift() ?? ''
    if (line === '') throw new UsageError(`${question}: give it on a line of standard input`)
    return line
  }

  /** As above, for a new one: typed twice. @throws UsageError */
  async readNewSecret(question: string): Promise<string> {
    const secret = await this.readSecret(question)
    if (this.isInteractive && (await this.readSecret(`${question}, once more`)) !== secret) {
      throw new UsageError('the two are not the same')
    }
    return secret
  }

  async #askUnseen(question: string): Promise<string> {
    const input = process.stdin
    process.stderr.write(question)
    input.setRawMode(true)
    input.setEncoding('utf8').resume()
    try {
      return await readUnseen(input)
    } finally {
      input.setRawMode(false)
      input.pause()
      process.stderr.write('\n')
    }
  }
}

async function readUnseen(input: ReadStream): Promise<string> {
  let typed = ''
  for (;;) {
    const [chunk] = (await once(input, 'data')) as [string]
    for (const key of chunk) {
      if (key === '\r' || key === '\n' || key === '\u0004') return typed
      if (key === '\u0003') throw new CliError('interrupted', 'Interrupted.')
      if (key === '\u007f' || key === '\b') typed = [...typed].slice(0, -1).join('')
      else if (key === '\u0015') typed = ''
      else if (key >= ' ') typed += key
    }
  }
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
