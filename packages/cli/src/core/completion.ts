import type { Command } from './command.ts'
import { GLOBAL_OPTIONS, VERSION } from './input.ts'

/** A word that can follow a name, and its meaning. */
interface Candidate {
  word: string
  summary: string
}

/** The words that can follow the name of a group or command. The name of the root is empty. */
type Completions = ReadonlyMap<string, readonly Candidate[]>

const FORMATS = { bash: formatBash, zsh: formatZsh, fish: formatFish }

type Shell = keyof typeof FORMATS

export const SHELLS = Object.keys(FORMATS)

export function isShell(text: string): text is Shell {
  return SHELLS.includes(text)
}

/** Formats a script that completes commands and options. It sends no request and reads no file. */
export function formatCompletion(shell: Shell, commands: readonly Command[]): string {
  const completions = new Map([...namesOf(commands)].map((name) => [name, candidatesAt(name, commands)]))
  return FORMATS[shell](completions)
}

/** The names of all commands and groups, and the empty name. */
function namesOf(commands: readonly Command[]): Set<string> {
  const prefixes = commands.flatMap(({ name }) => {
    const words = name.split(' ')
    return words.map((_, i) => words.slice(0, i + 1).join(' '))
  })
  return new Set(['', ...prefixes])
}

function candidatesAt(name: string, commands: readonly Command[]): Candidate[] {
  const prefix = name === '' ? '' : `${name} `
  const below = commands.filter((command) => command.name.startsWith(prefix))
  const words = new Map(
    below.map((command) => {
      const word = command.name.slice(prefix.length).split(' ')[0] ?? ''
      return [word, command.name === prefix + word ? command.summary : `Commands for ${word}`]
    }),
  )
  const command = commands.find((candidate) => candidate.name === name)
  const own = command?.options ?? (name === '' ? [VERSION] : [])
  const options = [...own, ...GLOBAL_OPTIONS].map((option) => ({
    word: `--${option.name}`,
    summary: option.summary,
  }))
  return [...[...words].map(([word, summary]) => ({ word, summary })), ...options]
}

/** The loop that finds the longest name in the typed words. bash and zsh share it. */
function formatNameLoop(completions: Completions, words: string): string {
  const names = [...completions.keys()].filter((name) => name !== '').map(quote)
  return `  local name='' word
  for word in ${words}; do
    case "\${name:+$name }$word" in
      ${names.join('|')}) name="\${name:+$name }$word" ;;
    esac
  done`
}

function formatBash(completions: Completions): string {
  const cases = [...completions].map(([name, candidates]) => {
    return `    ${quote(name)}) words='${candidates.map(({ word }) => word).join(' ')}' ;;`
  })
  return `_sallyport() {
${formatNameLoop(completions, `"\${COMP_WORDS[@]:1:COMP_CWORD-1}"`)}
  local words=''
  case "$name" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _sallyport sallyport`
}

function formatZsh(completions: Completions): string {
  const cases = [...completions].map(([name, candidates]) => {
    const described = candidates.map(({ word, summary }) => quote(`${word}:${summary}`))
    return `    ${quote(name)}) candidates=(${described.join(' ')}) ;;`
  })
  return `_sallyport() {
  local -a candidates
${formatNameLoop(completions, `"\${(@)words[2,CURRENT-1]}"`)}
  case "$name" in
${cases.join('\n')}
  esac
  _describe 'sallyport' candidates || _files
}
compdef _sallyport sallyport`
}

function formatFish(completions: Completions): string {
  const lines = [...completions].flatMap(([name, candidates]) =>
    candidates.map(({ word, summary }) => {
      const isOption = word.startsWith('--')
      const added = isOption ? `-l ${word.slice(2)}` : `-fa ${word}`
      return `complete -c sallyport -n ${quote(`__sallyport_at ${quote(name)}`)} ${added} -d ${quote(summary)}`
    }),
  )
  const names = [...completions.keys()].filter((name) => name !== '').map(quote)
  return `function __sallyport_at
  set -l name ''
  for word in (commandline -opc)[2..]
    set -l longer (string trim -- "$name $word")
    contains -- $longer ${names.join(' ')}; and set name $longer
  end
  test "$name" = "$argv"
end
${lines.join('\n')}`
}

/** A text in single quotes, for each of the shells. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
