import type { Command } from '../core/command.ts'
import { formatCompletion, isShell, SHELLS } from '../core/completion.ts'
import { UsageError } from '../core/exit_code.ts'
import { formatHelp } from '../core/help.ts'
import { requireName } from '../core/parse_command_line.ts'

const help: Command = {
  name: 'help',
  summary: 'Show the help of a command, of a group or of all commands',
  arguments: [
    { name: 'COMMAND', summary: 'Such as "clients" or "clients create"', isOptional: true, isRepeated: true },
  ],
  async run({ terminal, input, commands }) {
    terminal.print(formatHelp(requireName(input.words('COMMAND'), commands), commands, terminal.columns))
  },
}

const completion: Command = {
  name: 'completion',
  summary: 'Print a script that completes commands and options in a shell',
  details:
    'Add a line to the configuration file of the shell:' +
    '\n~/.bashrc: eval "$(sallyport completion bash)"' +
    '\n~/.zshrc, after compinit: eval "$(sallyport completion zsh)"' +
    '\n~/.config/fish/config.fish: sallyport completion fish | source',
  arguments: [{ name: 'SHELL', summary: `One of ${SHELLS.join(', ')}` }],
  async run({ terminal, input, commands }) {
    const shell = input.argument('SHELL')
    if (!isShell(shell)) throw new UsageError(`SHELL must be one of ${SHELLS.join(', ')}`)
    terminal.print(formatCompletion(shell, commands))
  },
}

export const HELP_COMMANDS: readonly Command[] = [help, completion]
