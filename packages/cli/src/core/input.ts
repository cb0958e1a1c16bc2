import { UsageError } from './exit_code.ts'
import { flag, type Option, text } from './option.ts'

/** What every command takes. */
export const SERVER = text('server', 'The token service; SALLYPORT_SERVER, or the last login, where absent', {
  value: 'URL',
})
export const JSON_OUTPUT = flag('json', 'Prints what the admin API answered, as one JSON document')
export const HELP = flag('help', 'Says what there is')
export const YES = flag('yes', 'Asks nothing')
export const GLOBAL_OPTIONS: readonly Option[] = [SERVER, JSON_OUTPUT, HELP]

/** The arguments and options of one command, as they were given. */
export class Input {
  readonly #arguments: ReadonlyMap<string, string>
  readonly #options: ReadonlyMap<Option, unknown>

  constructor(given: { arguments: ReadonlyMap<string, string>; options: ReadonlyMap<Option, unknown> }) {
    this.#arguments = given.arguments
    this.#options = given.options
  }

  /** Undefined where it was not given. */
  get<T>(option: Option<T>): T | undefined {
    // What is in the map came from the option's own `parse`.
    return this.#options.get(option) as T | undefined
  }

  has(option: Option): boolean {
    return this.#options.has(option)
  }

  /** @throws UsageError */
  require<T>(option: Option<T>): T {
    const value = this.get(option)
    if (value === undefined) throw new UsageError(`--${option.name} is needed`)
    return value
  }

  /** Undefined where an optional one was not given. */
  find(name: string): string | undefined {
    return this.#arguments.get(name)
  }

  /** An argument that is not optional. */
  argument(name: string): string {
    const value = this.#arguments.get(name)
    if (value === undefined) throw new UsageError(`${name} is needed`)
    return value
  }

  /** The options that are sent as they are, by their names there. */
  get fields(): Record<string, unknown> {
    const sent = [...this.#options].flatMap(([{ field }, value]) =>
      field === undefined ? [] : [[field, value] as const],
    )
    return Object.fromEntries(sent)
  }

  /** The same, for the address. */
  get query(): Record<string, string> {
    return Object.fromEntries(Object.entries(this.fields).map(([name, value]) => [name, String(value)]))
  }
}
