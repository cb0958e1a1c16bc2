import { CLIENT_FIELDS } from './client_form.tsx'
import { CONSOLE_PATH } from './console_path.ts'
import type { FieldLabel } from './parts.tsx'
import { CONFIRM_FIELDS } from './typed_name.tsx'
import { USER_FIELDS } from './user_form.tsx'

/** The kinds of objects by the first part of a path: the name, and the fields of the form. */
const KINDS: ReadonlyMap<string, { name: string; fields: readonly FieldLabel[] }> = new Map([
  ['clients', { name: 'client', fields: CLIENT_FIELDS }],
  [
    'users',
    {
      name: 'user',
      fields: [...USER_FIELDS, { name: 'must_change_password', label: 'Require a password change' }],
    },
  ],
  ['sessions', { name: 'session', fields: [] }],
  ['keys', { name: 'key', fields: [] }],
])

/** Fields that the operator did not type. */
const HIDDEN: readonly string[] = ['etag', 'idempotency_key']

/** What the form of a path changes, such as `The client shop: disable`. */
export function describeTarget(path: string): string {
  const [kind = '', id = '', ...action] = path.slice(CONSOLE_PATH.length + 1).split('/')
  const name = KINDS.get(kind)?.name
  if (name === undefined) return wordsOf(path.slice(CONSOLE_PATH.length + 1))
  if (id === '~new' || id === 'new') return `A new ${name}`
  if (kind === 'keys' && action.length === 0) return `The signing keys: ${wordsOf(id)}`
  const object = `The ${name} ${decode(id)}`
  return action.length === 0 ? object : `${object}: ${action.map(decode).map(wordsOf).join(' ')}`
}

/** Decodes a part of a path. Unlike `decodeURIComponent`, it accepts any text. */
function decode(part: string): string {
  return new URLSearchParams(`part=${part.replaceAll('+', '%2B').replaceAll('&', '%26')}`).get('part') ?? ''
}

/** The typed values with the labels of the form. Values of the same field are in one row. */
export function labelValues(path: string, fields: readonly (readonly [string, string])[]) {
  const [kind = ''] = path.slice(CONSOLE_PATH.length + 1).split('/')
  const known = [...(KINDS.get(kind)?.fields ?? []), ...CONFIRM_FIELDS]
  const labelOf = (wanted: string) =>
    known.find(({ name, id }) => name === wanted || id === wanted)?.label ?? wordsOf(wanted)
  const typed = fields.filter(([name, value]) => value !== '' && !HIDDEN.includes(name))
  const rows = Map.groupBy(typed, ([name]) => name)
  return [...rows].map(([name, values]) => [labelOf(name), values.map(wordOf).join(', ')] as const)
}

/** The word of a flag, as on its radio button. */
function wordOf([, value]: readonly [string, string]): string {
  return { true: 'Yes', false: 'No' }[value] ?? value
}

function wordsOf(name: string): string {
  return name.replaceAll(/[-_]/g, ' ')
}
