import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../../packages/cli/src/commands.ts'
import { EXIT_CODES, UsageError } from '../../packages/cli/src/core/exit_code.ts'
import { formatHelp } from '../../packages/cli/src/core/help.ts'
import { GLOBAL_OPTIONS, JSON_OUTPUT, SERVER } from '../../packages/cli/src/core/input.ts'
import { parseCommandLine } from '../../packages/cli/src/core/parse_command_line.ts'
import { parseTime } from '../../packages/cli/src/core/time.ts'

function parse(...args: string[]) {
  const invocation = parseCommandLine(args, COMMANDS)
  if ('command' in invocation) return invocation
  throw new Error('the command line names no command')
}

function refusalOf(...args: string[]): string {
  try {
    parseCommandLine(args, COMMANDS)
  } catch (error) {
    if (error instanceof UsageError) return error.message
    throw error
  }
  return 'taken'
}

describe('a command line', () => {
  it('the parser accepts arguments and options in any order', () => {
    const { command, input } = parse(
      'clients',
      'update',
      '--scopes',
      'cart, orders',
      'my-shop',
      '--name=My shop',
    )
    expect(command.name).toBe('clients update')
    expect(input.argument('CLIENT')).toBe('my-shop')
    expect(input.fieldsOf()).toEqual({ scopes: ['cart', 'orders'], name: 'My shop' })
  })

  it('the parser accepts global options before the name of the command', () => {
    const { command, input } = parse('--server', 'https://id.test', 'users', '--json', 'list')
    expect([command.name, input.get(SERVER), input.has(JSON_OUTPUT)]).toEqual([
      'users list',
      'https://id.test',
      true,
    ])
  })

  it('the parser reads each word after -- as an argument', () => {
    expect(parse('users', 'show', '--', '--odd').input.argument('USER')).toBe('--odd')
  })

  it('the parser reads an id that begins with a dash as an argument', () => {
    const { input } = parse('keys', 'revoke', '-vKn0Zr', '--yes')
    expect(input.argument('KEY')).toBe('-vKn0Zr')
  })

  it.each([
    [['cleints', 'list'], 'there is no command "cleints"; did you mean "clients"?'],
    [['clients', 'lst'], 'there is no command "clients lst"; did you mean "clients list"?'],
    [['clients', 'frobnicate'], 'there is no command "clients frobnicate"'],
    [['clients', 'list', '--enabeld', 'true'], 'there is no option --enabeld; did you mean --enabled?'],
    [['audit', '--since', '1h'], 'there is no option --since; did you mean --from?'],
    [['clients', 'list', '-x'], 'there is no option -x'],
    [['clients', 'show'], 'a value is missing: CLIENT: Client id'],
    [['clients', 'show', 'a', 'b'], '"b" is an unexpected argument'],
    [['clients', 'list', '--api'], '--api needs a value: API'],
    [['clients', 'list', '--api', 'a', '--api', 'b'], '--api is given twice'],
    [['clients', 'list', '--all=1'], '--all takes no value'],
    [['clients', 'list', '--limit', '-1'], '--limit must be a whole number'],
    [['clients', 'list', '--limit', 'many'], '--limit must be a whole number'],
    [['clients', 'list', '--enabled', 'maybe'], '--enabled must be true or false'],
    [['audit', '--from', 'yesterday'], expect.stringContaining('--from must be a date')],
    [['--jsn'], 'there is no option --jsn; did you mean --json?'],
    [['users', '--version'], 'there is no option --version'],
    [
      ['clients', 'create'],
      expect.stringMatching(/^values are missing:\n {2}CLIENT: .+\n {2}--api: .+\n {2}--grants: .+$/),
    ],
    [
      ['clients', 'update', 'a', '--clear', 'name'],
      '--clear must be access-token-lifetime or refresh-token-lifetime or refresh-retry-window or errors or jwks or jwks-uri or logo-uri or client-uri or policy-uri or tos-uri',
    ],
  ])('a command line is refused with the mistake: %j', (args, message) => {
    expect(refusalOf(...args)).toEqual(message)
  })

  it.each([
    [[], '', false],
    [['--help'], '', true],
    [['clients'], 'clients', false],
    [['clients', '-h'], 'clients', true],
    [['clients', 'create', '--help'], 'clients create', true],
    [['clients', 'create', 'x', '--bad', '--help'], 'clients create', true],
  ])('the command line %j shows help', (args, help, isAskedFor) => {
    expect(parseCommandLine(args, COMMANDS)).toEqual({ help, isAskedFor })
  })
})

describe('the version', () => {
  it('the parser reads --version without a command', () => {
    expect(parseCommandLine(['--version'], COMMANDS)).toEqual({ isVersion: true })
  })
})

describe('the help', () => {
  it('the general help lists each command and exit code within the width', () => {
    const text = formatHelp('', COMMANDS, 80)
    for (const { name } of COMMANDS) expect(text).toContain(`\n  ${name}`)
    for (const [code, meaning] of Object.values(EXIT_CODES))
      expect(text).toMatch(new RegExp(`${code} +${meaning}`))
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([])
  })

  it.each(COMMANDS.map((command) => [command.name, command] as const))(
    'the help of %s lists its arguments and options',
    (name, command) => {
      const text = formatHelp(name, COMMANDS, 100)
      expect(text.startsWith(command.summary.slice(0, 30))).toBe(true)
      for (const argument of command.arguments ?? []) expect(text).toContain(argument.name)
      for (const option of [...(command.options ?? []), ...GLOBAL_OPTIONS])
        expect(text).toContain(`--${option.name}`)
    },
  )

  it('the help of a group lists only the commands of the group', () => {
    const text = formatHelp('keys', COMMANDS, 80)
    expect(text).toContain('keys rotate')
    expect(text).not.toContain('clients list')
  })
})

describe('the table of commands', () => {
  it('each name is unique, and a command that is the prefix of another command has no arguments', () => {
    const names = COMMANDS.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    const prefixes = COMMANDS.filter(({ name }) => names.some((other) => other.startsWith(`${name} `)))
    expect(prefixes.map(({ name, arguments: given = [] }) => [name, given])).toEqual([['audit', []]])
  })

  it('each option of a command is unique', () => {
    for (const { options = [] } of COMMANDS) {
      const names = [...options, ...GLOBAL_OPTIONS].map(({ name }) => name)
      expect(new Set(names).size).toBe(names.length)
    }
  })

  it('an option takes a value in all commands or in none', () => {
    const options = [...COMMANDS.flatMap(({ options = [] }) => options), ...GLOBAL_OPTIONS]
    const names = new Set(options.map(({ name }) => name))
    const kinds = new Set(options.map(({ name, value }) => `${name} ${value === null}`))
    expect(kinds.size).toBe(names.size)
  })

  it('no option takes a password, because other users can see the command line', () => {
    const names = COMMANDS.flatMap(({ options = [] }) =>
      options.filter(({ value }) => value !== null && value !== 'FILE'),
    )
    expect(names.filter(({ name }) => /password|secret/.test(name)).map(({ name }) => name)).toEqual([])
  })
})

describe('a time', () => {
  const NOW = 1_800_000_000

  it.each([
    ['90s', NOW - 90],
    ['2h', NOW - 7200],
    ['7d', NOW - 604_800],
    ['1795604765', 1_795_604_765],
    ['2026-11-25T10:30Z', 1_795_602_600],
    ['2026-11-25T10:30:05+01:00', 1_795_599_005],
    ['tomorrow', null],
    ['2026-13-01', null],
    ['25.11.2026', null],
  ])('%s', (text, seconds) => {
    expect(parseTime(text, NOW)).toBe(seconds)
  })

  it('the parser reads a time or a date without a zone as local time', () => {
    expect(parseTime('2026-11-25', NOW)).toBe(new Date(2026, 10, 25).getTime() / 1000)
    expect(parseTime('2026-11-25 10:30', NOW)).toBe(new Date(2026, 10, 25, 10, 30).getTime() / 1000)
  })
})
