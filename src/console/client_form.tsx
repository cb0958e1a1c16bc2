import { addableApis } from '../clients/client_rules.ts'
import { EDITABLE_FIELDS } from '../clients/client_values.ts'
import type { Field, FormApis } from '../clients/define_field.ts'
import type { ApiConfig, Config } from '../config/config.ts'
import { compact } from '../lib/compact.ts'
import { parseJson } from '../lib/parse_json.ts'
import { Choices, type FieldState, Input, type Option, TextArea } from '../pages/fields.tsx'
import { Form } from '../pages/form.ts'
import { OwnPassword } from './action_form.tsx'
import { OWN_PASSWORD_FIELD } from './admin_problem.ts'
import type { ShownClient } from './clients_page.tsx'
import { formatSpan } from './format.ts'
import type { FieldLabel } from './parts.tsx'

/** The fields of a client in the order of the form. */
export const CLIENT_FIELDS: readonly FieldLabel[] = [
  { name: 'client_id', label: 'Client id', id: 'client_id' },
  { name: 'api', label: 'API' },
  { name: 'confidential', label: 'Kind', id: 'kind' },
  ...EDITABLE_FIELDS.map(({ wire, label }) => ({ name: wire, label, id: wire })),
  { name: OWN_PASSWORD_FIELD, label: 'Your own password' },
]

const FIRST_FIELDS = EDITABLE_FIELDS.filter(({ section }) => section === undefined)
const KEY_FIELDS = EDITABLE_FIELDS.filter(({ section }) => section === 'keys')
const BROWSER_FIELDS = EDITABLE_FIELDS.filter(({ section }) => section === 'browser')

/** The form fields that a new client and an existing client share. */
export function ClientFields({ state, api, config }: { state: FieldState; api: string; config: Config }) {
  const show = (field: Field) => (
    <ClientField
      field={field}
      state={state}
      api={config.apis.get(api)}
      apis={formApis(state.form, api, config)}
    />
  )
  return (
    <>
      {FIRST_FIELDS.map(show)}
      <details class="part" open={needsFields(KEY_FIELDS, state) || hasKeys(state)}>
        <summary>Authentication by key</summary>
        {KEY_FIELDS.map(show)}
      </details>
      <details class="part" open={needsFields(BROWSER_FIELDS, state) || signsInUsers(state)}>
        <summary>Sign-in by browser</summary>
        {BROWSER_FIELDS.map(show)}
      </details>
      {api === config.adminApi?.name ? (
        <OwnPassword
          id="own-password-for-scopes"
          hint="Required for a client with a scope of the admin API or the grant authorization_code, if it gets a scope, a grant, a redirect URI or keys, or becomes first-party."
          required={false}
          problem={state.problem}
        />
      ) : null}
    </>
  )
}

/** Whether a section is open because it has an error or another operator's change. */
function needsFields(fields: readonly Field[], { problem, current }: FieldState): boolean {
  return Boolean(current) || fields.some(({ wire }) => (problem?.errorsOf(wire) ?? []).length > 0)
}

function hasKeys({ form }: FieldState): boolean {
  return form.text('jwks') !== '' || form.text('jwks_uri') !== ''
}

function signsInUsers({ form }: FieldState): boolean {
  return form.list('grants').includes('authorization_code')
}

/** The APIs of the form: that of the client with the selected ones, and all that can be selected. */
function formApis(form: Form, api: string, config: Config): FormApis {
  const names = [api, ...form.list('additional_apis')]
  return { selected: names.flatMap((name) => config.apis.get(name) ?? []), addable: addableApis(api, config) }
}

interface ClientFieldProps {
  field: Field
  state: FieldState
  apis: FormApis
  /** Undefined if config.yml no longer has the API of the client. */
  api: ApiConfig | undefined
}

function ClientField({ field, state, api, apis }: ClientFieldProps) {
  const { wire: name, label, description, kind } = field
  const shared = { state, name, label }
  const options = optionsOf(field, state.form, apis)
  if (options !== null) {
    const type = kind === 'list' ? 'checkbox' : 'radio'
    return options.length === 0 ? null : (
      <Choices {...shared} type={type} options={options} hint={description} />
    )
  }
  if (kind === 'list') return <TextArea {...shared} hint={`${description}. One value per line`} />
  if (kind === 'json') return <TextArea {...shared} hint={description} rows={6} />
  const inherited = api && field.inherited?.(api)
  const hint =
    inherited === undefined ? description : `Default: ${inherited} (${formatSpan(inherited)}), from the API`
  return <Input {...shared} hint={hint} />
}

/** A browser posts no unchecked box, so a flag has two radio buttons. A form without the flag then keeps its value. */
const FLAG_OPTIONS: readonly Option[] = [
  { value: 'true', label: 'Yes' },
  { value: 'false', label: 'No' },
]

/** The options of a field, with the values that the form has; null for free text. */
function optionsOf({ kind, wire, choices, defaultOf }: Field, form: Form, apis: FormApis) {
  if (kind === 'flag') return FLAG_OPTIONS
  if (choices === undefined) return null
  const inherited = kind === 'text' && defaultOf?.('') === null ? [''] : []
  const values = [...new Set([...inherited, ...choices(apis), ...form.list(wire)])]
  return values.map((value) => ({ value, label: value === '' ? 'As the API' : value }))
}

/** The form of a new client, with the defaults of its radio buttons. */
export function formOfNewClient(values: Readonly<Record<string, string | readonly string[]>>): Form {
  const radios = EDITABLE_FIELDS.filter(
    ({ kind, choices }) => kind === 'flag' || (kind === 'text' && choices),
  )
  return Form.of({
    ...Object.fromEntries(radios.map(({ wire, defaultOf }) => [wire, String(defaultOf?.('') ?? '')])),
    ...values,
  })
}

/** The form of an existing client. */
export function formOfClient(client: ShownClient): Form {
  const values = new Map<string, unknown>(Object.entries(client))
  return Form.of(
    Object.fromEntries(
      EDITABLE_FIELDS.map((field) => [field.wire, toFormValue(field, values.get(field.wire))]),
    ),
  )
}

function toFormValue({ kind, choices }: Field, value: unknown): string | string[] {
  if (kind === 'json' && value !== null) return JSON.stringify(value, null, 2)
  if (!Array.isArray(value)) return String(value ?? '')
  return choices === undefined ? value.join('\n') : value
}

/**
 * Converts the form to the body for the admin API.
 *
 * @param id The id of an existing client: an empty text field gets its default. Undefined for a new client: an empty text field
 *   is absent. A field that the form does not have is always absent, except checkboxes.
 */
export function editOf(form: Form, id?: string): object {
  return compact(Object.fromEntries(EDITABLE_FIELDS.map((field) => [field.wire, readField(field, form, id)])))
}

function readField({ wire, kind, choices, defaultOf }: Field, form: Form, id: string | undefined): unknown {
  if (kind === 'list' && choices !== undefined) return form.list(wire)
  if (!form.has(wire)) return undefined
  if (kind === 'list') return form.lines(wire)
  if (kind === 'seconds') return form.number(wire)
  if (kind === 'flag') return form.flag(wire)
  if (kind === 'json') return readJson(form.text(wire))
  return form.text(wire).trim() || (id === undefined ? undefined : defaultOf?.(id))
}

/** Null for an empty field. A text that is not JSON is returned unchanged, so that the API reports the error. */
function readJson(text: string): unknown {
  return text.trim() === '' ? null : (parseJson(text) ?? text)
}
