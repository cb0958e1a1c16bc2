import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

/** The WebAssembly build that the Worker imports, for scripts that run in Node. */
export function loadArgon2Module(): WebAssembly.Module {
  const path = createRequire(import.meta.url).resolve('@phi-ag/argon2/argon2.wasm')
  // The types are those of the Workers runtime, where no module is made from bytes; Node has the constructor.
  return Reflect.construct(WebAssembly.Module, [readFileSync(path)])
}
