import { parseArgs } from 'node:util'
import type { Command } from './command.ts'
import { UsageError } from './exit_code.ts'
import { GLOBAL_OPTIONS, HELP, Input, VERSION } from './input.ts'
import type { Option } from './option.ts'
import { didYouMean } from './suggest.ts'

/** A command to run, or a request for help or the version. `help` names a command or a group; it is empty for all commands. */
export type Invocation =
  | { command: Command; input: Input }
  | { help: string; isAskedFor: boolean }
  | { isVersion: true }

/** @throws UsageError */
export function parseCommandLine(args: readonly string[], commands: readonly Command[]): Invocation {
  const { words, values } = split(args, commands)
  const { name, rest } = takeName(words, commands)
  if (values[HELP.name] !== undefined) return { help: name, isAskedFor: true }
  const command = commands.find((candidate) => candidate.name === name)
  if (command === undefined) requireName(words, commands)
  const own = command?.options ?? (name === '' ? [VERSION] : [])
  const options = readOptions(values, [...own, ...GLOBAL_OPTIONS])
  if (options.has(VERSION)) return { isVersion: true }
  if (command === undefined) return { help: name, isAskedFor: false }
  requireAll(command, rest, options)
  return { command, input: new Input({ arguments: readArguments(command, rest), options }) }
}

/** The command or group that a command line names; empty if it names none. */
export function findName(args: readonly string[], commands: readonly Command[]): string {
  return takeName(split(args, commands).words, commands).name
}

/** The command or group with these words. @throws UsageError */
export function requireName(words: readonly string[], commands: readonly Command[]): string {
  const { name, rest } = takeName(words, commands)
  const [word] = rest
  if (word === undefined) return name
  const prefix = name === '' ? '' : `${name} `
  const below = commands.filter((command) => command.name.startsWith(prefix))
  const known = below.map((command) => command.name.slice(prefix.length).split(' ')[0] ?? '')
  throw new UsageError(`there is no command "${prefix}${word}"${didYouMean(word, known, prefix)}`)
}

/** A value such as `-abc` is an argument, because an id can begin with a dash. The only short option is `-h`. */
const DASHED_WORD = /^-[^-]./
const MARK = '\0'

/** Splits a command line into words and options, in any order. An option takes a value in all commands or in none. */
function split(args: readonly string[], commands: readonly Command[]) {
  const known = [...commands.flatMap(({ options = [] }) => options), ...GLOBAL_OPTIONS]
  const typeOf = ({ value }: Option) => (value === null ? ('boolean' as const) : ('string' as const))
  const { positionals, values } = parseArgs({
    args: args.map((arg) => (DASHED_WORD.test(arg) ? MARK + arg : arg)),
    options: {
      ...Object.fromEntries(known.map((option) => [option.name, { type: typeOf(option), multiple: true }])),
      [HELP.name]: { type: 'boolean', multiple: true, short: 'h' },
    },
    strict: false,
    allowPositionals: true,
  })
  return { words: positionals.map(unmark), values }
}

function unmark(text: string): string {
  return text.replace(MARK, '')
}

/** Splits words into the longest name of a command or group, and the rest. */
function takeName(words: readonly string[], commands: readonly Command[]) {
  const isName = (count: number) =>
    commands.some(({ name }) => `${name} `.startsWith(`${words.slice(0, count).join(' ')} `))
  let count = 0
  while (count < words.length && isName(count + 1)) count++
  return { name: words.slice(0, count).join(' '), rest: words.slice(count) }
}

/** Names of similar options in other programs, which no option of this program resembles. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ['--since', '--from'],
  ['--after', '--from'],
  ['--until', '--to'],
  ['--before', '--to'],
])

function readOptions(given: ReturnType<typeof split>['values'], options: readonly Option[]) {
  const names = options.map(({ name }) => `--${name}`)
  return new Map(
    Object.entries(given).map(([name, value]): [Option, unknown] => {
      const dashed = name.length === 1 ? `-${name}` : `--${name}`
      const option = options[names.indexOf(dashed)]
      if (option === undefined)
        throw new UsageError(
          `there is no option ${dashed}${didYouMean(OTHER_NAMES.get(dashed) ?? dashed, names)}`,
        )
      const [first, ...others] = [value].flat().map((text) => readValue(option, text))
      if (others.length > 0 && option.merge === undefined) throw new UsageError(`${dashed} is given twice`)
      return [option, others.reduce((earlier, later) => option.merge?.(earlier, later), first)]
    }),
  )
}

/** @param text A boolean if the option has no value. @throws UsageError */
function readValue(option: Option, text: string | boolean | undefined): unknown {
  const hasValue = typeof text === 'string'
  if (option.value !== null && !hasValue)
    throw new UsageError(`--${option.name} needs a value: ${option.value}`)
  if (option.value === null && hasValue) throw new UsageError(`--${option.name} takes no value`)
  return option.parse(hasValue ? unmark(text) : '')
}

/** @throws UsageError that lists every missing argument and option */
function requireAll(command: Command, words: readonly string[], options: ReadonlyMap<Option, unknown>): void {
  const { arguments: expected = [], options: known = [] } = command
  const lacking = known.filter((option) => option.isRequired && !options.has(option))
  const missing = [
    ...expected.slice(words.length).filter(({ isOptional }) => !isOptional),
    ...lacking.map(({ name, summary }) => ({ name: `--${name}`, summary })),
  ].map(({ name, summary }) => `${name}: ${summary}`)
  if (missing.length === 1) throw new UsageError(`a value is missing: ${missing[0]}`)
  if (missing.length > 1) throw new UsageError(`values are missing:\n  ${missing.join('\n  ')}`)
}

/** The values by argument. A repeated argument takes the rest of the words. */
function readArguments(command: Command, words: readonly string[]): Map<string, readonly string[]> {
  const { arguments: expected = [] } = command
  const extra = expected.at(-1)?.isRepeated ? undefined : words[expected.length]
  if (extra !== undefined) throw new UsageError(`"${extra}" is an unexpected argument`)
  const given = expected.slice(0, words.length)
  return new Map(
    given.map(({ name, isRepeated }, i) => [name, words.slice(i, isRepeated ? undefined : i + 1)]),
  )
}
