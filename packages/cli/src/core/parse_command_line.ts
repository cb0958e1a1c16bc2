import { parseArgs } from 'node:util'
import { suggest } from '@sallyport/formats/suggest'
import type { Command } from './command.ts'
import { UsageError } from './exit_code.ts'
import { GLOBAL_OPTIONS, HELP, Input } from './input.ts'
import type { Option } from './option.ts'

/** A command to run, or a request for help. `help` names a command or a group; it is empty for all commands. */
export type Invocation = { command: Command; input: Input } | { help: string; isAskedFor: boolean }

/** @throws UsageError */
export function parseCommandLine(args: readonly string[], commands: readonly Command[]): Invocation {
  const { words, rest } = takeWords(args, commands)
  const name = words.join(' ')
  const isHelp = rest.includes('--help') || rest.includes('-h')
  const command = commands.find((candidate) => candidate.name === name)
  if (isHelp) return { help: name, isAskedFor: true }
  if (command === undefined) return requireNothingMore(name, rest, commands)
  return { command, input: readInput(command, rest) }
}

/** The command or group at the start of a command line; empty if it names none. */
export function findName(args: readonly string[], commands: readonly Command[]): string {
  return takeWords(args, commands).words.join(' ')
}

/** Splits a command line into the words of the command and the rest. Global options can come between the words. */
function takeWords(
  args: readonly string[],
  commands: readonly Command[],
): { words: string[]; rest: string[] } {
  const words: string[] = []
  const skipped: string[] = []
  let i = 0
  for (; i < args.length; i++) {
    const arg = args[i] ?? ''
    const option = GLOBAL_OPTIONS.find(({ name }) => arg === `--${name}` || arg.startsWith(`--${name}=`))
    if (option !== undefined) {
      const takesNext = option.value !== null && !arg.includes('=')
      skipped.push(...args.slice(i, takesNext ? i + 2 : i + 1))
      if (takesNext) i++
    } else if (isBeginning([...words, arg].join(' '), commands)) words.push(arg)
    else break
  }
  return { words, rest: [...skipped, ...args.slice(i)] }
}

function isBeginning(name: string, commands: readonly Command[]): boolean {
  return commands.some((command) => command.name === name || command.name.startsWith(`${name} `))
}

function requireNothingMore(name: string, rest: readonly string[], commands: readonly Command[]): Invocation {
  const word = rest.find((arg) => !arg.startsWith('-'))
  const option = rest.find((arg) => arg.startsWith('-') && !isGlobal(arg))
  if (word === undefined && option === undefined) return { help: name, isAskedFor: false }
  const prefix = name === '' ? '' : `${name} `
  if (word === undefined) throw unknownOption(option ?? '', GLOBAL_OPTIONS)
  const known = commands
    .filter((command) => command.name.startsWith(prefix))
    .map((command) => command.name.slice(prefix.length).split(' ')[0] ?? '')
  const near = suggest(word, known)
  const meant = near === null ? '' : `; did you mean "${prefix}${near}"?`
  throw new UsageError(`there is no command "${prefix}${word}"${meant}`)
}

function isGlobal(arg: string): boolean {
  return GLOBAL_OPTIONS.some(({ name }) => arg === `--${name}` || arg.startsWith(`--${name}=`))
}

/** A value such as `-abc` is an argument, because an id can begin with a dash. The CLI has no short options. */
const DASHED_WORD = /^-[^-]./
const MARK = '\0'

function readInput(command: Command, args: readonly string[]): Input {
  const options = [...(command.options ?? []), ...GLOBAL_OPTIONS.filter((option) => option !== HELP)]
  const { tokens } = parseArgs({
    args: args.map((arg) => (DASHED_WORD.test(arg) ? MARK + arg : arg)),
    options: Object.fromEntries(
      options.map(({ name, value }) => [name, { type: value === null ? 'boolean' : 'string' }] as const),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const given = new Map<Option, unknown>()
  const positionals: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value.replace(MARK, ''))
    if (token.kind === 'option') {
      readOption({ ...token, value: token.value?.replace(MARK, '') }, options, given)
    }
  }
  return new Input({ arguments: readArguments(command, positionals), options: given })
}

function readOption(
  token: { name: string; rawName: string; value: string | undefined },
  options: readonly Option[],
  given: Map<Option, unknown>,
): void {
  const option = options.find(({ name }) => token.rawName === `--${name}`)
  if (option === undefined) throw unknownOption(token.rawName, options)
  if (option.value !== null && token.value === undefined) {
    throw new UsageError(`--${option.name} needs a value: ${option.value}`)
  }
  if (option.value === null && token.value !== undefined) {
    throw new UsageError(`--${option.name} takes no value`)
  }
  const value = option.parse(token.value ?? '')
  const isRepeated = given.has(option)
  if (isRepeated && option.merge === undefined) throw new UsageError(`--${option.name} is given twice`)
  given.set(option, isRepeated ? option.merge?.(given.get(option), value) : value)
}

function unknownOption(name: string, options: readonly Option[]): UsageError {
  const near = suggest(
    name,
    options.map((option) => `--${option.name}`),
  )
  return new UsageError(`there is no option ${name}${near === null ? '' : `; did you mean ${near}?`}`)
}

function readArguments(command: Command, positionals: readonly string[]): Map<string, string> {
  const expected = command.arguments ?? []
  const missing = expected.slice(positionals.length).find(({ isOptional = false }) => !isOptional)
  if (missing !== undefined) throw new UsageError(`${missing.name} is needed: ${missing.summary}`)
  const extra = positionals[expected.length]
  if (extra !== undefined) throw new UsageError(`"${extra}" is an unexpected argument`)
  return new Map(positionals.map((value, i) => [expected[i]?.name ?? '', value]))
}
