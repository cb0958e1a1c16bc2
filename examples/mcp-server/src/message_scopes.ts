import { z } from 'zod'

/** The scope that each tool requires. */
const TOOL_SCOPES: ReadonlyMap<string, string> = new Map([
  ['search_catalog', 'catalog'],
  ['view_cart', 'cart'],
  ['add_to_cart', 'cart'],
  ['list_orders', 'orders'],
])

/** Each other message, such as the list of tools, requires this scope. So an agent asks the user for it only at first. */
const FIRST_SCOPE = 'catalog'

const CALL = z.object({ method: z.literal('tools/call'), params: z.object({ name: z.string() }) })

/** The scopes that the body of a request requires. A body can be a list of messages. */
export function scopesOf(body: unknown): string[] {
  const messages: unknown[] = Array.isArray(body) ? body : [body]
  return [...new Set([FIRST_SCOPE, ...messages.map(scopeOf)])]
}

function scopeOf(message: unknown): string {
  const call = CALL.safeParse(message)
  return (call.success && TOOL_SCOPES.get(call.data.params.name)) || FIRST_SCOPE
}
