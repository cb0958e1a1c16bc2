import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { AUDIT_EXPORT_COMMANDS } from '../../packages/cli/src/commands/audit_export_command.ts'
import type { Call } from '../../packages/cli/src/core/command.ts'

interface Request {
  operation: string
  query: { cursor?: string }
}

/** Runs the command on a server with three pages. @param failAt The cursor whose page the server refuses. */
async function run(options: Record<string, unknown>, failAt?: string) {
  const pages = new Map<string | undefined, { items: object[]; next_cursor: string | null }>([
    [undefined, { items: [{ id: 1 }, { id: 2 }], next_cursor: 'second' }],
    ['second', { items: [], next_cursor: 'third' }],
    ['third', { items: [{ id: 3, reason: 'ö' }], next_cursor: null }],
  ])
  const requests: Request[] = []
  const [output, notes]: [string[], string[]] = [[], []]
  const api = {
    read: async (request: Request) => {
      requests.push(request)
      if (failAt !== undefined && request.query.cursor === failAt) throw new Error('the connection was lost')
      return pages.get(request.query.cursor)
    },
  }
  const input = { get: ({ name }: { name: string }) => options[name] }
  const terminal = { print: (text: string) => output.push(text), say: (line: string) => notes.push(line) }
  const [command] = AUDIT_EXPORT_COMMANDS
  const running = command?.run({ api, input, terminal } as unknown as Call)
  return { running, requests, output, notes }
}

function temporaryFile(): string {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-export-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  return join(directory, 'events.ndjson')
}

const WHOLE = '{"id":1}\n{"id":2}\n{"id":3,"reason":"ö"}\n'

describe('the command audit export', () => {
  it('the command prints the events of all pages as lines', async () => {
    const { running, requests, output } = await run({ from: 100, to: 200 })
    await running
    expect(output.map((text) => `${text}\n`).join('')).toBe(WHOLE)
    expect(requests.map(({ operation, query }) => ({ operation, ...query }))).toEqual([
      { operation: 'GET /audit/export', from: 100, to: 200, cursor: undefined },
      { operation: 'GET /audit/export', from: 100, to: 200, cursor: 'second' },
      { operation: 'GET /audit/export', from: 100, to: 200, cursor: 'third' },
    ])
  })

  it('with a user, the command lists the events of the user, the oldest first', async () => {
    const { running, requests } = await run({ from: 100, to: 200, user: 'user:0123456789012345678901' })
    await running
    expect(requests[0]).toEqual({
      operation: 'GET /audit',
      query: {
        from: 100,
        to: 200,
        subject: 'user:0123456789012345678901',
        sort: 'time',
        limit: 100,
        cursor: undefined,
      },
    })
  })

  it('an export that was interrupted continues after its last whole page', async () => {
    const output = temporaryFile()
    const first = await run({ from: 100, to: 200, output }, 'third')
    await expect(first.running).rejects.toThrow('the connection was lost')
    expect(existsSync(output)).toBe(false)
    const second = await run({ from: 100, to: 200, output })
    await second.running
    expect(second.requests.map(({ query }) => query.cursor)).toEqual(['third'])
    expect(readFileSync(output, 'utf8')).toBe(WHOLE)
    expect(second.notes).toEqual([`${output} has 3 events.`])
    expect([existsSync(`${output}.part`), existsSync(`${output}.progress`)]).toEqual([false, false])
  })

  it('the command refuses to continue the export of another time', async () => {
    const output = temporaryFile()
    const first = await run({ from: 100, to: 200, output }, 'third')
    await expect(first.running).rejects.toThrow('the connection was lost')
    const other = await run({ from: 101, to: 200, output })
    await expect(other.running).rejects.toThrow('an unfinished export with other options')
  })

  it('the command refuses a time that ends before it begins', async () => {
    const { running } = await run({ from: 200, to: 100 })
    await expect(running).rejects.toThrow('--to must be later than --from')
  })
})
