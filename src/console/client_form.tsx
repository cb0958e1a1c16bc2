import type { Config } from '../config/config.ts'
import { CLIENT_GRANTS } from '../oauth/grant_type.ts'
import { Choices, type FieldState, Input, TextArea } from '../pages/fields.tsx'
import { Form } from '../pages/form.ts'
import type { ShownClient } from './clients_page.tsx'

/** The fields, by the names in the messages of the admin API. */
export const CLIENT_FIELDS = [
  ...['client_id', 'name', 'grants', 'scopes', 'origins', 'confidential'],
  ...['access_token_lifetime', 'refresh_token_lifetime'],
]

/** The fields of a new client and of an existing one. */
export function ClientFields({ state, api, config }: { state: FieldState; api: string; config: Config }) {
  const known = config.apis.get(api)
  const scopes = [...new Set([...(known?.scopes ?? []), ...state.form.list('scopes')])]
  return (
    <>
      <Input
        state={state}
        name="name"
        label="Name"
        maxlength={200}
        hint="Display name. Defaults to the client id."
      />
      <Choices
        state={state}
        name="grants"
        label="Grants"
        options={CLIENT_GRANTS.map((value) => ({ value, label: value }))}
        hint="password: users and guests sign in. client_credentials: the client gets tokens for itself and needs a secret."
      />
      {scopes.length === 0 ? null : (
        <Choices
          state={state}
          name="scopes"
          label="Scopes"
          options={scopes.map((value) => ({ value, label: value }))}
          hint={`Scopes that its tokens can have at ${api}.`}
        />
      )}
      <TextArea
        state={state}
        name="origins"
        label="Origins"
        hint="Web origins allowed by CORS, one per line, such as https://shop.example.com."
      />
      <div class="pair">
        <Input
          state={state}
          name="access_token_lifetime"
          label="Access token lifetime (seconds)"
          hint={`Default: ${known?.accessTokenLifetimeSeconds}, from the API.`}
        />
        <Input
          state={state}
          name="refresh_token_lifetime"
          label="Refresh token lifetime (seconds)"
          hint={`Default: ${known?.refreshTokenLifetimeSeconds}, from the API.`}
        />
      </div>
    </>
  )
}

/** The form with the values of a client. */
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

/** The fields as the body for the admin API. */
export function editOf(form: Form): object {
  return {
    grants: form.list('grants'),
    scopes: form.list('scopes'),
    origins: form.lines('origins'),
    access_token_lifetime: form.number('access_token_lifetime'),
    refresh_token_lifetime: form.number('refresh_token_lifetime'),
  }
}
