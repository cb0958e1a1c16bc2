import type { Config } from '../config/config.ts'
import { CLIENT_GRANTS } from '../oauth/grant_type.ts'
import { Choices, type FieldState, Input, TextArea } from '../pages/fields.tsx'
import { Form } from '../pages/form.ts'
import type { ShownClient } from './clients_page.tsx'

/** Those that a message of the admin API can name, as it names them. */
export const CLIENT_FIELDS = [
  ...['client_id', 'name', 'grants', 'scopes', 'origins', 'confidential'],
  ...['access_token_lifetime', 'refresh_token_lifetime'],
]

/** The fields that a new client and a changed one share. */
export function ClientFields({ state, api, config }: { state: FieldState; api: string; config: Config }) {
  const known = config.apis.get(api)
  const scopes = [...new Set([...(known?.scopes ?? []), ...state.form.list('scopes')])]
  return (
    <>
      <Input state={state} name="name" label="Name" maxlength={200} hint="For users. Empty: its id." />
      <Choices
        state={state}
        name="grants"
        label="Grants"
        options={CLIENT_GRANTS.map((value) => ({ value, label: value }))}
        hint="password signs users and guests in, with refresh tokens. client_credentials is for the client itself, which needs a secret."
      />
      {scopes.length === 0 ? null : (
        <Choices
          state={state}
          name="scopes"
          label="Scopes"
          options={scopes.map((value) => ({ value, label: value }))}
          hint={`What its tokens may at most do at ${api}.`}
        />
      )}
      <TextArea
        state={state}
        name="origins"
        label="Origins"
        hint="Whose pages may read its responses, one a line, such as https://shop.example.com."
      />
      <div class="pair">
        <Input
          state={state}
          name="access_token_lifetime"
          label="Access tokens live, in seconds"
          hint={`Empty: ${known?.accessTokenLifetimeSeconds}, as of the API.`}
        />
        <Input
          state={state}
          name="refresh_token_lifetime"
          label="Refresh tokens live, in seconds"
          hint={`Empty: ${known?.refreshTokenLifetimeSeconds}, as of the API.`}
        />
      </div>
    </>
  )
}

/** A client as its form begins. */
export function formOfClient(client: ShownClient): Form {
  return Form.of({
    name: client.name,
    grants: client.grants,
    scopes: client.scopes,
    origins: client.origins.join('\n'),
    access_token_lifetime: String(client.access_token_lifetime ?? ''),
    refresh_token_lifetime: String(client.refresh_token_lifetime ?? ''),
  })
}

/** What the admin API takes of the fields. */
export function editOf(form: Form): object {
  return {
    grants: form.list('grants'),
    scopes: form.list('scopes'),
    origins: form.lines('origins'),
    access_token_lifetime: form.number('access_token_lifetime'),
    refresh_token_lifetime: form.number('refresh_token_lifetime'),
  }
}
