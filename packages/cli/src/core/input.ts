import { UsageError } from './exit_code.ts'
import { flag, type Option, text } from './option.ts'

/** The options of all commands. */
export const SERVER = text(
  'server',
  'The token service. Default: SALLYPORT_SERVER, then the server of the last login',
  {
    value: 'URL',
  },
)
export const JSON_OUTPUT = flag('json', 'Print the response of the admin API as JSON')
export const HELP = flag('help', 'Show help')
export const VERSION = flag('version', 'Print the version of the command line')
export const YES = flag('yes', 'Skip confirmation')
export const GLOBAL_OPTIONS: readonly Option[] = [SERVER, JSON_OUTPUT, HELP]

/** The parsed arguments and options of one command. */
export class Input {
  readonly #arguments: ReadonlyMap<string, readonly string[]>
  readonly #options: ReadonlyMap<Option, unknown>

  constructor(given: {
    arguments: ReadonlyMap<string, readonly string[]>
    options: ReadonlyMap<Option, unknown>
  }) {
    this.#arguments = given.arguments
    this.#options = given.options
  }

  /** The value of an option; undefined if the user did not give it. */
  get<T>(option: Option<T>): T | undefined {
    // The values in the map come from the option's own `parse`.
    return this.#options.get(option) as T | undefined
  }

  has(option: Option): boolean {
    return this.#options.has(option)
  }

  /** The value of an option with `isRequired`. @throws UsageError */
  require<T>(option: Option<T>): T {
    const value = this.get(option)
    if (value === undefined) throw new UsageError(`--${option.name} is required`)
    return value
  }

  /** The value of an argument; undefined if the user did not give it. */
  find(name: string): string | undefined {
    return this.words(name)[0]
  }

  /** The values of a repeated argument. */
  words(name: string): readonly string[] {
    return this.#arguments.get(name) ?? []
  }

  /** The value of a required argument. @throws UsageError */
  argument(name: string): string {
    const value = this.find(name)
    if (value === undefined) throw new UsageError(`${name} is required`)
    return value
  }

  /**
   * The options with a `field`, by the names of the fields in the admin API.
   *
   * @typeParam T The schema of these fields in the OpenAPI document. The options come from the same schema.
   */
  fieldsOf<T extends object>(): T {
    const sent = [...this.#options].flatMap(([{ field }, value]) =>
      field === undefined ? [] : [[field, value] as const],
    )
    return Object.fromEntries(sent) as T
  }

  /** The same fields as texts, for the query of a URL. */
  get query(): Record<string, string> {
    return Object.fromEntries(Object.entries(this.fieldsOf()).map(([name, value]) => [name, String(value)]))
  }
}
