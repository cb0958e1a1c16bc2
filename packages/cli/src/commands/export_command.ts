import { writeFileSync } from 'node:fs'
import { isRegistered } from '../apply/client_file.ts'
import { formatClientFile, toDocument } from '../apply/format_file.ts'
import type { Command } from '../core/command.ts'
import { JSON_OUTPUT } from '../core/input.ts'
import { text } from '../core/option.ts'
import { formatJson } from './output.ts'

const OUTPUT = text('output', 'Write to this file. "-" is standard output, the default', {
  value: 'FILE',
})
const STANDARD_OUTPUT = '-'

const exportClients: Command = {
  name: 'export',
  summary: 'Write all clients, without secrets, as a file for "apply"',
  options: [OUTPUT],
  operations: ['GET /clients'],
  async run({ input, terminal, api }) {
    const { items: all } = await api.list({ operation: 'GET /clients' }, Infinity)
    const items = all.filter(isRegistered)
    const document = input.has(JSON_OUTPUT) ? `${formatJson(toDocument(items))}\n` : formatClientFile(items)
    const path = input.get(OUTPUT)
    if (path === undefined || path === STANDARD_OUTPUT) return terminal.print(document.trimEnd())
    writeFileSync(path, document, { flush: true })
    terminal.say(`${path} has ${items.length === 1 ? '1 client' : `${items.length} clients`}.`)
  },
}

export const EXPORT_COMMANDS: readonly Command[] = [exportClients]
