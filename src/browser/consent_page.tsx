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
  const isUnregistered = isDocumentUrl(client.id)
  const form = (
    <>
      {client.logoUri === null ? null : <img class="client-logo" src={client.logoUri} alt="" />}
      <h1>{breakable(texts.consent.question(shorten(client.name)))}</h1>
      {/* Without such scopes, each client gets all rights of the user. Admin scopes limit no operator. */}
      {api.scopes.every(isAdminScope) ? (
        <p>{texts.consent.everything(api.branding?.name ?? api.name)}</p>
      ) : null}
      {scopesOf(situation).length === 0 ? null : <Scopes situation={situation} looks={looks} />}
      {isUnregistered ? <Fact label={texts.consent.describedAt} value={new URL(client.id).host} /> : null}
      <Fact label={texts.consent.returnTo} value={describeTarget(request.redirectUri)} />
      {/* Other programs of the device can get the code, and the name of the application proves nothing. */}
      {!client.isFirstParty && isLoopback(request.redirectUri) ? (
        <p class="note warn">{texts.consent.onDevice}</p>
      ) : null}
      {/* For an application that no operator knows, the page recommends neither button. */}
      <button type="submit" name="decision" value="allow" class={isUnregistered ? undefined : 'primary'}>
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

/** The most characters of a name in the heading. The sentence then has about three lines at 360 pixels. */
const LONGEST_NAME = 60

function shorten(name: string): string {
  const characters = [...name]
  return characters.length > LONGEST_NAME ? `${characters.slice(0, LONGEST_NAME - 1).join('')}…` : name
}

/** A fact that shows the user who asks. The value has its own line, so that a long host does not break a sentence. */
function Fact({ label, value }: { label: string; value: string }): Child {
  return (
    <p>
      {label}
      <strong class="host">{breakable(value)}</strong>
    </p>
  )
}

/** The scopes that the client gets: those of the request, and those that the user allowed before. A step-up shows which are new. */
function Scopes({ situation, looks }: Pick<PageContent, 'situation' | 'looks'>): Child {
  const { api } = situation.browserRequest
  const { consent: texts } = looks.texts
  const scopes = sortScopes(scopesOf(situation), api)
  const isEarlier = (scope: string) => situation.consentedScopes.includes(scope)
  const added = scopes.filter((scope) => !isEarlier(scope))
  const earlier = scopes.filter(isEarlier)
  const isStepUp = added.length > 0 && earlier.length > 0
  return (
    <div>
      <p>{texts.scopes}</p>
      {isStepUp ? (
        <>
          <p class="group">{texts.newScopes}</p>
          <ScopeList scopes={added} api={api} looks={looks} />
          <p class="group">{texts.earlierScopes}</p>
          <ScopeList scopes={earlier} api={api} looks={looks} />
        </>
      ) : (
        <ScopeList scopes={scopes} api={api} looks={looks} />
      )}
    </div>
  )
}

export function ScopeList({
  scopes,
  api,
  looks,
}: {
  scopes: readonly string[]
  api: ApiConfig
  looks: Looks
}): Child {
  return (
    <ul class="scopes">
      {scopes.map((scope) => (
        <li>{describeScope(scope, api, looks)}</li>
      ))}
    </ul>
  )
}

/** Scopes in the order of config.yml. Identity scopes come first. */
export function sortScopes(scopes: readonly string[], { scopes: order }: ApiConfig): string[] {
  return [...scopes].sort((a, b) => order.indexOf(a) - order.indexOf(b))
}

/** The text of a scope: that of config.yml, that of an identity scope, or the scope itself. */
function describeScope(scope: string, { scopeTexts }: ApiConfig, { texts, language }: Looks): Child {
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
    { href: client.policyUri, label: texts.consent.privacy },
    { href: client.tosUri, label: texts.consent.terms },
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
