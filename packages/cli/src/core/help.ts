import type { Argument, Command } from './command.ts'
import { EXIT_CODES } from './exit_code.ts'
import { GLOBAL_OPTIONS, VERSION } from './input.ts'
import type { Option } from './option.ts'
import { wrap } from './table.ts'

const TITLE = 'sallyport: manages a Sallyport token service through its admin API'
const NARROWEST = 40
const WIDEST = 100

/**
 * Formats the help of a command, of a group of commands, or of all commands.
 *
 * @param name The words of a command or group; empty for all commands.
 * @param columns The width of the terminal in cells.
 */
export function formatHelp(name: string, commands: readonly Command[], columns: number): string {
  const width = Math.max(NARROWEST, Math.min(columns, WIDEST))
  const command = commands.find((candidate) => candidate.name === name)
  if (command !== undefined) return formatCommandHelp(command, width)
  const listed = commands.filter((candidate) => name === '' || candidate.name.startsWith(`${name} `))
  const usage = ['sallyport', name, 'COMMAND [OPTIONS]'].filter((part) => part !== '').join(' ')
  return [
    ...(name === '' ? [TITLE, ''] : []),
    `Usage: ${usage}`,
    '',
    ...formatCommands(listed, width),
    '',
    'Global options',
    '',
    ...formatList((name === '' ? [...GLOBAL_OPTIONS, VERSION] : GLOBAL_OPTIONS).map(describe), width),
    ...(name === '' ? ['', 'Exit codes', '', ...formatExitCodes(width)] : []),
    '',
    `"sallyport ${name === '' ? '' : `${name} `}COMMAND --help" shows the help of one command.`,
  ].join('\n')
}

/** Lists commands, with an empty line between groups. */
function formatCommands(commands: readonly Command[], width: number): string[] {
  const groupOf = ({ name }: Command) => (name.split(' ').length > 1 ? name.split(' ')[0] : '')
  const lines = formatLists(
    commands.map((command) => [formatSyntax(command), command.summary]),
    width,
  )
  return commands.flatMap((command, i) => {
    const before = commands[i - 1]
    const isNewGroup = before !== undefined && groupOf(before) !== groupOf(command)
    return [...(isNewGroup ? [''] : []), ...(lines[i] ?? [])]
  })
}

/** A command with its arguments, such as `users show USER`. */
export function formatSyntax({ name, arguments: expected = [] }: Command): string {
  return [name, ...expected.map(formatArgument)].join(' ')
}

function formatCommandHelp(command: Command, width: number): string {
  const { summary, details, arguments: expected = [], options = [] } = command
  const items = (title: string, entries: readonly (readonly [string, string])[]) =>
    entries.length === 0 ? [] : ['', title, '', ...formatList(entries, width)]
  return [
    ...wrap(`${summary}.`, width),
    '',
    `Usage: sallyport ${formatSyntax(command)}${options.length === 0 ? '' : ' [OPTIONS]'}`,
    ...(details === undefined ? [] : ['', ...details.split('\n').flatMap((line) => wrap(line, width))]),
    ...items(
      'Arguments',
      expected.map((argument) => [argument.name, argument.summary]),
    ),
    ...items('Options', options.map(describe)),
    ...items('Global options', GLOBAL_OPTIONS.map(describe)),
  ].join('\n')
}

function formatExitCodes(width: number): string[] {
  return formatList(
    Object.values(EXIT_CODES).map(([code, meaning]) => [String(code), meaning]),
    width,
  )
}

function formatArgument({ name, isOptional = false, isRepeated = false }: Argument): string {
  const words = isRepeated ? `${name}...` : name
  return isOptional ? `[${words}]` : words
}

function describe({ name, value, summary, isRequired }: Option): readonly [string, string] {
  return [value === null ? `--${name}` : `--${name} ${value}`, isRequired ? `${summary} (required)` : summary]
}

/** Terms with their meanings. The meaning of a long term begins on the next line. */
function formatList(entries: readonly (readonly [string, string])[], width: number): string[] {
  return formatLists(entries, width).flat()
}

function formatLists(entries: readonly (readonly [string, string])[], width: number): string[][] {
  const longest = Math.max(...entries.map(([term]) => term.length))
  const indent = Math.min(longest, Math.floor(width / 2) - 4) + 4
  return entries.map(([term, meaning]) => {
    const lines = wrap(meaning, width - indent)
    if (term.length + 4 > indent) return [`  ${term}`, ...lines.map((line) => ' '.repeat(indent) + line)]
    return lines.map((line, i) => (i === 0 ? `  ${term}`.padEnd(indent) : ' '.repeat(indent)) + line)
  })
}
