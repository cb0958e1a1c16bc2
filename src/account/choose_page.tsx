import type { Context } from 'hono'
import { looksOf } from '../browser/looks.ts'
import { PageFrame } from '../browser/page_frame.tsx'
import { firstApiOf } from '../clients/account_client.ts'
import { accountPathOf } from '../config/account_path.ts'
import { accountsOf, browserSessionLimitsOf } from '../config/pool_settings.ts'
import { OWN_ORIGIN_ONLY } from '../pages/content_policy.ts'
import { NOT_FOUND, PageError } from '../pages/page_error.tsx'
import { renderPage } from '../pages/render_page.ts'
import { isLive } from '../signin/browser_session.ts'
import type { AccountPageServices } from './account_page_services.ts'

/**
 * Opens an account page. The candidates are the pools in which a user is signed in; without one, the pools whose brand has a name, which
 * customers know; without one, all pools. The user chooses among several candidates.
 *
 * @throws PageError 404 without an account page
 */
export async function chooseAccount(c: Context, services: AccountPageServices): Promise<Response> {
  const pools = poolsOf(services)
  const signedIn = pools.length > 1 ? await findSignedInPools(c, pools, services) : []
  const named = pools.filter((pool) => brandNameOf(pool, services) !== null)
  const candidates = [signedIn, named, pools].find(({ length }) => length > 0)
  if (candidates === undefined) throw new PageError(NOT_FOUND)
  const [first, ...others] = candidates
  if (first !== undefined && others.length === 0) return c.redirect(accountPathOf(first), 303)
  return showChoice(c, candidates, services)
}

/** The pools with an account page. */
function poolsOf({ config }: AccountPageServices): string[] {
  const pools = new Set([...config.apis.values()].map(({ userPool }) => userPool))
  return [...pools].filter((pool) => accountsOf(pool, config).selfService)
}

/** The pools in which the browser has a live session. */
async function findSignedInPools(
  c: Context,
  pools: readonly string[],
  { cookies, config, clock }: AccountPageServices,
): Promise<string[]> {
  const sessions = await Promise.all(pools.map((pool) => cookies.session(pool).read(c)))
  return pools.filter((pool, i) => {
    const session = sessions[i] ?? null
    return session !== null && isLive(session, browserSessionLimitsOf(pool, config), clock.now())
  })
}

async function showChoice(
  c: Context,
  pools: readonly string[],
  services: AccountPageServices,
): Promise<Response> {
  const looks = await looksOf(c, services)
  const { chooseTitle } = looks.texts.accountPage
  const document = (
    <PageFrame title={chooseTitle} looks={looks} assets={await services.assets.paths()}>
      <h1>{chooseTitle}</h1>
      <ul class="sections">
        {pools.map((pool) => (
          <li>
            <a href={accountPathOf(pool)}>{brandNameOf(pool, services) ?? pool}</a>
          </li>
        ))}
      </ul>
    </PageFrame>
  )
  return renderPage(c, { document, policy: OWN_ORIGIN_ONLY })
}

/** The name of the brand of a pool; null without one. */
function brandNameOf(pool: string, { config }: AccountPageServices): string | null {
  return firstApiOf(pool, config)?.branding?.name ?? null
}
