import { env } from 'cloudflare:workers'
import type { TestClock } from './server.ts'

/** KV at a distant location: a write is visible after the given seconds (Cloudflare's bound is 60). */
export function laggingKv(clock: TestClock, lagSeconds: number): KVNamespace {
  const seen = new Map<string, { value: unknown; at: number; next: unknown }>()
  async function getWithMetadata(key: string): Promise<unknown> {
    const newest = await env.KV.getWithMetadata(key)
    const last = seen.get(key)
    if (!last) seen.set(key, { value: newest, at: clock.time, next: newest })
    else if (JSON.stringify(last.next) !== JSON.stringify(newest)) {
      seen.set(key, { value: last.next, at: savedAt(newest) ?? clock.time, next: newest })
    }
    const known = seen.get(key)
    return known && clock.time - known.at >= lagSeconds ? known.next : known?.value
  }
  return new Proxy(env.KV, {
    get(target, property) {
      if (property === 'getWithMetadata') return getWithMetadata
      return Reflect.get(target, property).bind(target)
    },
  })
}

function savedAt({ metadata }: { metadata: unknown }): number | null {
  return Object(metadata).savedAt ?? null
}
