import type { Config } from '../src/config/config.ts'
import { systemClock } from '../src/lib/clock.ts'
import { BreachedPasswords } from '../src/users/breaches/breached_passwords.ts'
import { createUser, type UserDraft } from '../src/users/create_user.ts'
import { PasswordHasher } from '../src/users/password_hash.ts'
import type { User } from '../src/users/user.ts'
import { loadArgon2Module } from './argon2_module.ts'

/** Makes users on this machine by the rules of config.yml, without an audit trail. The log goes to the terminal. */
export class UserMaker {
  readonly #config: Config
  readonly #passwords: PasswordHasher
  readonly #breaches: BreachedPasswords

  constructor(config: Config) {
    this.#config = config
    this.#passwords = new PasswordHasher(loadArgon2Module(), config.passwordHash)
    this.#breaches = new BreachedPasswords(config.breachedPasswords, { record: () => {} })
  }

  /** @throws UserRefused */
  make(draft: UserDraft): Promise<User> {
    const dependencies = { passwords: this.#passwords, breaches: this.#breaches, config: this.#config }
    const occasion = { api: null, clientId: null, subject: null }
    const nowhere = {
      addressPrefix: null,
      address: null,
      continent: null,
      device: null,
      country: null,
      waitUntil: () => {},
    }
    return createUser(draft, dependencies, { occasion, context: { now: systemClock.now(), ...nowhere } })
  }
}
