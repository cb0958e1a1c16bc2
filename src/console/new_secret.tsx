import type { Config } from '../config/config.ts'
import type { ShownClient } from './clients_page.tsx'
import { Facts } from './parts.tsx'

interface NewSecretProps {
  client: Pick<ShownClient, 'client_id' | 'api' | 'confidential' | 'grants' | 'redirect_uris'>
  /** Null for a public client and for a client with keys. */
  secret: string | null
  config: Config
}

/** The values that the application needs, and a request for its first token. Only this response shows the secret. */
export function NewSecret({ client, secret, config }: NewSecretProps) {
  const tokenUrl = `${config.issuer}/oauth2-token`
  const guests = config.apis.get(client.api)?.guests ?? false
  const parameters = parametersOf(client, secret, guests)
  return (
    <>
      {secret === null ? (
        <p class="note plain">
          {client.confidential ? 'The client authenticates with its keys.' : 'The client is public.'} It has
          no secret.
        </p>
      ) : (
        <section class="note warn secret" aria-labelledby="secret-title">
          <h2 id="secret-title">Client secret (shown once)</h2>
          <p>
            <code id="secret">{secret}</code>
          </p>
          <p>
            Store it in the settings of the application. The server keeps only a hash and cannot show the
            secret again.
          </p>
        </section>
      )}
      <Facts
        facts={[
          ['Client id', <code class="id">{client.client_id}</code>],
          ['Token URL', <code class="id">{tokenUrl}</code>],
          ...browserFacts(client, config),
        ]}
      />
      {parameters === null ? null : <TokenRequest url={tokenUrl} parameters={parameters} />}
    </>
  )
}

/** The values for a sign-in by browser, if the client can use it. */
function browserFacts({ grants, redirect_uris }: NewSecretProps['client'], { issuer }: Config) {
  if (!grants.includes('authorization_code')) return []
  const url = <code class="id">{`${issuer}/oauth2-token/authorize`}</code>
  const uris = redirect_uris.map((uri) => <code class="id">{uri}</code>)
  return [['Authorization URL', url] as const, ['Redirect URIs', uris] as const]
}

function TokenRequest({ url, parameters }: { url: string; parameters: Parameters }) {
  const { command, isComplete } = formatTokenRequest(url, parameters)
  return (
    <section class="section" aria-labelledby="token-request-title">
      <h2 id="token-request-title">Request a token</h2>
      <p class="hint">
        {isComplete ? 'Run this command in a shell.' : 'Replace USERNAME and PASSWORD with those of a user.'}
      </p>
      <pre class="command" id="token-request">
        {command}
      </pre>
    </section>
  )
}

type Parameters = Readonly<Record<string, string>>

/** The parameters of a token request (RFC 6749 §4.3.2, §4.4.2); null if the request needs a browser or an assertion. */
function parametersOf(
  { client_id, confidential, grants }: NewSecretProps['client'],
  secret: string | null,
  guests: boolean,
): Parameters | null {
  if (confidential && secret === null) return null
  const credentials = { client_id, ...(secret !== null && { client_secret: secret }) }
  if (grants.includes('client_credentials')) return { grant_type: 'client_credentials', ...credentials }
  if (!grants.includes('password')) return null
  const [username, password] = guests ? ['guest', 'guest'] : PLACEHOLDERS
  return { grant_type: 'password', ...credentials, username, password }
}

const PLACEHOLDERS = ['USERNAME', 'PASSWORD'] as const

function formatTokenRequest(url: string, parameters: Parameters) {
  const data = Object.entries(parameters).map(
    ([name, value]) => `--data-urlencode ${quote(`${name}=${value}`)}`,
  )
  return {
    command: [`curl -sS ${quote(url)}`, ...data].join(' \\\n  '),
    isComplete: parameters.username !== PLACEHOLDERS[0],
  }
}

/** One word of a POSIX shell. */
function quote(text: string): string {
  return /^[\w./:=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
