import type { Context } from 'hono'
import type { CodeCaller } from '../signin/mailed_codes.ts'
import type { BrowserServices } from './browser_services.ts'
import type { Situation } from './situation.ts'

/** The browser that requests or sends a code. Its form was accepted, so the browser has the cookie of its forms. */
export async function codeCallerOf(
  c: Context,
  { browserRequest: { client, api } }: Situation,
  { cookies }: BrowserServices,
): Promise<CodeCaller> {
  return {
    pool: api.userPool,
    api: api.name,
    clientId: client.id,
    formId: await cookies.requireFormId(c),
  }
}
