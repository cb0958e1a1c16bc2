import type { Child } from 'hono/jsx'
import type { Client } from '../clients/client.ts'
import { kindOfRedirect } from '../clients/redirect_uri.ts'
import type { ApiConfig } from '../config/config.ts'
import { isLoopback } from '../config/origin.ts'
import { isAdminScope } from '../oauth/admin_scope.ts'
import { isDocumentUrl } from '../oauth/document_client_id.ts'
import { isIdentityScope } from '../oauth/identity_scope.ts'
import { breakable } from '../pages/breakable.tsx'
import type { Looks } from './looks.ts'
import { OtherAccount } from './other_account.tsx'
import { OwnText } from './own_text.tsx'
import { OutsideLink } from './page_frame.tsx'
import { scopesOf } from './situation.ts'
import type { PageContent, StepPage } from './step_page.ts'

/** The page that asks for the consent of the user: who asks, for what, for which account, and where the browser goes afterwards. */
export async function consentPage({ situation, looks, ticketFor }: PageContent): Promise<StepPage> {
  const { browserRequest, signedIn } = situation
  const { request, client, api } = browserRequest
  const { texts } = looks
  const form = (
    <>
      {client.logoUri === null ? null : <img class="client-logo" src={client.logoUri} alt="" />}
      <h1>{breakable(texts.consent.question(client.name))}</h1>
      {/* Without such scopes, each client gets all rights of the user. Admin scopes limit no operator. */}
      {api.scopes.every(isAdminScope) ? (
        <p>{texts.consent.everything(client.name, api.branding?.name ?? api.name)}</p>
      ) : null}
      {scopesOf(situation).length === 0 ? null : <Scopes situation={situation} looks={looks} />}
      {isDocumentUrl(client.id) ? <Origin client={client} looks={looks} /> : null}
      <p class="soft">{texts.consent.returnTo(describeTarget(request.redirectUri))}</p>
      <button type="submit" name="decision" value="allow" class="primary">
        {texts.consent.allow}
      </button>
    </>
  )
  const after = (
    <>
      <ClientLinks client={client} looks={looks} />
      <OtherAccount ticket={await ticketFor('select_account')} label={texts.useAnotherAccount}>
        <p>{breakable(texts.account.signedInAs(signedIn?.user.username ?? ''))}</p>
      </OtherAccount>
    </>
  )
  return { title: texts.consent.title, form, after }
}

/**
 * The host of an application that no operator registered. Other programs of the device can get the code of an application that runs only
 * there, and its name proves nothing.
 */
function Origin({ client, looks: { texts } }: { client: Client; looks: Looks }): Child {
  return (
    <>
      <p>{breakable(texts.consent.describedAt(new URL(client.id).host))}</p>
      {client.redirectUris.every(isLoopback) ? <p>{texts.consent.onDevice}</p> : null}
    </>
  )
}

/** The scopes that the client gets: those of the request, and those that the user allowed before. */
function Scopes({ situation, looks }: Pick<PageContent, 'situation' | 'looks'>): Child {
  const { client, api } = situation.browserRequest
  return (
    <div>
      <p>{looks.texts.consent.scopes(client.name)}</p>
      <ul class="scopes">
        {scopesOf(situation).map((scope) => (
          <li>{describeScope(scope, api, looks)}</li>
        ))}
      </ul>
    </div>
  )
}

/** The text of a scope: that of config.yml, that of an identity scope, or the scope itself. */
export function describeScope(scope: string, { scopeTexts }: ApiConfig, { texts, language }: Looks): Child {
  const own = scopeTexts.get(scope)
  if (own !== undefined) return <OwnText texts={own} language={language} />
  return isIdentityScope(scope) ? texts.scopes[scope] : scope
}

/** The host; for the scheme of an app the whole URI, because the text after `//` is no host there. */
export function describeTarget(redirectUri: string): string {
  return kindOfRedirect(redirectUri) === 'private' ? redirectUri : new URL(redirectUri).host
}

function ClientLinks({ client, looks: { texts } }: { client: Client; looks: Looks }): Child {
  const links = [
    { href: client.policyUri, label: texts.consent.privacy(client.name) },
    { href: client.tosUri, label: texts.consent.terms(client.name) },
  ]
  const shown = links.flatMap(({ href, label }) => (href === null ? [] : [{ href, label }]))
  if (shown.length === 0) return null
  return (
    <ul class="client-links">
      {shown.map((link) => (
        <li>
          <OutsideLink {...link} />
        </li>
      ))}
    </ul>
  )
}
