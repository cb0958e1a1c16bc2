import { findDraftProblems } from '../src/admin/user_schemas.ts'
import type { Config } from '../src/config/config.ts'
import { systemClock } from '../src/lib/clock.ts'
import { UNKNOWN_CALLER } from '../src/lib/request_context.ts'
import { BreachedPasswords } from '../src/users/breaches/breached_passwords.ts'
import { CommonPasswords } from '../src/users/common_passwords.ts'
import { createUser, type UserDraft, UserRefused } from '../src/users/create_user.ts'
import { PasswordHasher } from '../src/users/password_hash.ts'
import type { UnstoredUser } from '../src/users/user.ts'
import { loadArgon2Module } from './argon2_module.ts'
import { readStaticFile } from './static_files.ts'

/** A user that cannot be created. The message is for the user of the script. */
export class DraftRefused extends Error {
  override name = 'DraftRefused'
}

/** Makes users on this machine by the rules of config.yml, without an audit trail. The log goes to the terminal. */
export class UserMaker {
  readonly #config: Config
  readonly #passwords: PasswordHasher
  readonly #commonPasswords = new CommonPasswords(readStaticFile)
  readonly #breaches: BreachedPasswords

  constructor(config: Config) {
    this.#config = config
    this.#passwords = new PasswordHasher(loadArgon2Module(), config.passwordHash)
    this.#breaches = new BreachedPasswords(config.breachedPasswords, { record: () => {} })
  }

  /** Makes a user by the rules of the admin API. @throws DraftRefused */
  async make(draft: UserDraft): Promise<UnstoredUser> {
    const [problem] = findDraftProblems(draft, this.#config)
    if (problem) throw new DraftRefused(`${problem.path}: ${problem.message}`)
    const dependencies = {
      passwords: this.#passwords,
      commonPasswords: this.#commonPasswords,
      breaches: this.#breaches,
      config: this.#config,
    }
    const occasion = { api: null, clientId: null, subject: null }
    const context = { ...UNKNOWN_CALLER, now: systemClock.now(), waitUntil: () => {} }
    const setting = { occasion, context }
    return createUser(draft, dependencies, setting).catch((error: unknown) => {
      throw error instanceof UserRefused ? new DraftRefused(error.message) : error
    })
  }
}
