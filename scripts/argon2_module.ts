import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

/** The WebAssembly build that the Worker imports, for scripts that run in Node. */
export function loadArgon2Module(): WebAssembly.Module {
  const path = createRequire(import.meta.url).resolve('@phi-ag/argon2/argon2.wasm')
  // The Workers runtime has no such constructor, so its types lack it. Node has it.
  return Reflect.construct(WebAssembly.Module, [readFileSync(path)])
}
