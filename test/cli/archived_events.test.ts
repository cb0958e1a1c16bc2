import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { AdminApi } from '../../packages/cli/src/api/admin_api.ts'
import { AUDIT_COMMANDS } from '../../packages/cli/src/commands/audit_command.ts'
import { LIMIT } from '../../packages/cli/src/commands/output.ts'
import type { Call } from '../../packages/cli/src/core/command.ts'
import { Input } from '../../packages/cli/src/core/input.ts'
import type { Option } from '../../packages/cli/src/core/option.ts'
import { formatTime } from '../../packages/cli/src/core/time.ts'

const ARCHIVED_BEFORE = 1_790_000_000

/** Runs `sallyport audit` on a server with two pages of one event. */
async function runAudit(lastPage: object, options: readonly [Option, unknown][] = []): Promise<string[]> {
  const server = createServer((request, response) => {
    const isLast = request.url?.includes('cursor=second') === true
    const page = isLast ? lastPage : { ...lastPage, next_cursor: 'second' }
    response.writeHead(200, { 'Content-Type': 'application/json' })
    response.end(JSON.stringify({ items: [{ at: 1_800_000_000, kind: 'issue' }], ...page }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const token = async () => 'token'
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const account = { server: origin, clientId: 'cli', isOperator: true, accessToken: token, renew: token }
  const api = new AdminApi({ account, onRetry: () => {}, askPassword: token })
  const notes: string[] = []
  const terminal = { columns: 200, print: () => {}, say: (line: string) => notes.push(line) }
  const input = new Input({ arguments: new Map(), options: new Map(options) })
  await AUDIT_COMMANDS[0]?.run({ api, input, terminal } as unknown as Call)
  return notes
}

describe('the command audit', () => {
  it('the end of a list that lacks archived events has a note that names the export', async () => {
    expect(await runAudit({ next_cursor: null, archived_before: ARCHIVED_BEFORE })).toEqual([
      `Events before ${formatTime(ARCHIVED_BEFORE)} may be missing here, because they are archived: use "sallyport audit export".`,
    ])
  })

  it('a list with more results has no note about the archive', async () => {
    const archived = { next_cursor: null, archived_before: ARCHIVED_BEFORE }
    expect(await runAudit(archived, [[LIMIT, 1]])).toEqual([
      'There are more results: use --all or a higher --limit.',
    ])
  })

  it('a list that lacks no events, and one of an older server, have no note', async () => {
    for (const page of [{ archived_before: null }, {}])
      expect(await runAudit({ next_cursor: null, ...page })).toEqual([])
  })
})
