import { env } from 'cloudflare:workers'
import type { AroundCall } from './around_d1.ts'

/** The real KV namespace. Its calls are wrapped and named, such as `put keys`. */
export function aroundKv(around: AroundCall): KVNamespace {
  return new Proxy(env.KV, {
    get(target, property) {
      const member = Reflect.get(target, property)
      if (typeof member !== 'function') return member
      return (key: unknown, ...rest: unknown[]) =>
        around(`${String(property)} ${key}`, () => member.call(target, key, ...rest))
    },
  })
}
