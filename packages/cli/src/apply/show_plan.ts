import { countOf } from '../core/count.ts'
import { clean } from '../core/table.ts'
import type { Change, Creation, Plan } from './plan.ts'

/** The plan for a reader: each new or changed client with its fields, then the other clients. */
export function formatPlan(plan: Plan): string {
  const { create, change, disable, unchanged, notInFile } = plan
  return [
    ...create.flatMap((client) => formatClient('create', client)),
    ...change.flatMap((client) => formatClient('change', client)),
    ...disable.flatMap((client) => formatClient('disable, not in the file:', client)),
    ...formatIds('unchanged', unchanged),
    ...formatIds('not in the file, left alone', notInFile),
    `Plan: ${countPlan(plan)}.`,
  ]
    .map(clean)
    .join('\n')
}

/** The plan as JSON. */
export function toJson({ create, change, disable, unchanged, notInFile }: Plan) {
  const show = ({ client_id, fields, ends }: Change) => ({
    client_id,
    fields,
    // Null if the number is unknown. Absent if the change ends no session.
    ...(ends && { sessions_to_end: ends.count }),
  })
  return {
    create: create.map(({ client_id, fields }) => ({ client_id, fields })),
    change: change.map(show),
    disable: disable.map(show),
    unchanged,
    not_in_file: notInFile,
  }
}

/** The changes as a question, without those of pruning. */
export function nameChanges({ create, change }: Plan): string {
  const parts = [
    ...(create.length > 0 ? [`create ${countClients(create.length)}`] : []),
    ...(change.length > 0 ? [`change ${countClients(change.length)}`] : []),
  ].join(' and ')
  return `${parts.charAt(0).toUpperCase()}${parts.slice(1)}?`
}

export function nameDisabled({ disable }: Plan): string {
  const clients = disable.map(({ client_id, ends }) => `${client_id}${ends ? ` (ends ${ends.text})` : ''}`)
  return `Disable ${countClients(disable.length)} that the file does not have, and revoke every token of them: ${clients.join(', ')}?`
}

function countPlan({ create, change, disable, unchanged, notInFile }: Plan): string {
  return [
    `${create.length} to create`,
    `${change.length} to change`,
    ...(disable.length > 0 ? [`${disable.length} to disable`] : []),
    `${unchanged.length} unchanged`,
    `${notInFile.length} not in the file`,
  ].join(', ')
}

function countClients(count: number): string {
  return countOf(count, 'client', 'clients')
}

function formatClient(verb: string, client: Creation | Change): string[] {
  const ends = 'ends' in client && client.ends !== null ? [`    ends ${client.ends.text}`] : []
  return [`${verb} ${client.client_id}`, ...client.fields.map(formatField), ...ends]
}

function formatField(change: Change['fields'][number]): string {
  const { field, from, to } = change
  return `    ${field}: ${'from' in change ? `${showValue(from)} → ` : ''}${showValue(to)}`
}

function formatIds(title: string, ids: readonly string[]): string[] {
  return ids.length === 0 ? [] : [`${title}: ${ids.join(', ')}`]
}

/** A value as the file has it. */
function showValue(value: unknown): string {
  return Array.isArray(value) ? `[${value.join(', ')}]` : String(value)
}
