import argon2Module from '@phi-ag/argon2/argon2.wasm'
import { Argon2id } from '../src/users/argon2.ts'

// wrangler.toml names this class. The Worker creates no object.
export { SessionObject } from '../src/sessions/session_object.ts'

// The baseline of a password sign-in: a Worker that computes one password hash for each request.

const SALT_BYTES = 16
const HASH_BYTES = 32

/** The default cost in config.yml. */
const COST = { m: 19456, t: 2, p: 1 }

let argon2: Argon2id | null = null

export default {
  fetch() {
    argon2 ??= new Argon2id(argon2Module)
    const password = new TextEncoder().encode('correct horse battery staple')
    const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES))
    argon2.hash({ password, salt, cost: COST, hashLength: HASH_BYTES })
    return Response.json({ status: 'ok' })
  },
} satisfies ExportedHandler
