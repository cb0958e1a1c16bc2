import { isReserved } from './name_reservation_store.ts'
import type { Profile } from './profile.ts'
import type { UnstoredUser } from './user.ts'
import { searchTextOf } from './user_search.ts'

/**
 * Inserts the users of a JSON array whose usernames are free. Parameters: ?1 the array of `toInsert`, ?2 whether the statement before
 * must have changed a row, ?3 the token of the reserved usernames or null.
 */
export const INSERT_USERS = `
  INSERT INTO users (id, pool, username, password_hash, enabled, roles, profile, must_change_password,
    breach_checked_at, created_at, hash_replaceable, search)
  SELECT value ->> 'id', value ->> 'pool', value ->> 'username', value ->> 'passwordHash', value ->> 'enabled',
    value -> 'roles', value -> 'profile', value ->> 'mustChangePassword', value ->> 'breachCheckedAt',
    value ->> 'createdAt', value ->> 'hashReplaceable', value ->> 'search'
  FROM json_each(?1) WHERE (?2 = 0 OR changes() > 0)
    AND (?3 IS NULL OR ${isReserved('?3', { pool: "value ->> 'pool'", username: "value ->> 'username'" })})
  ON CONFLICT (pool, username) DO NOTHING RETURNING id`

/** The values of a user for `INSERT_USERS`. */
export function toInsert(user: UnstoredUser & { profile: Profile }) {
  const { id, pool, username, passwordHash, roles, profile, breachCheckedAt, createdAt } = user
  const flags = {
    enabled: Number(user.enabled),
    mustChangePassword: Number(user.mustChangePassword),
    hashReplaceable: Number(user.isHashReplaceable),
  }
  return {
    id,
    pool,
    username,
    passwordHash,
    roles,
    profile,
    breachCheckedAt,
    createdAt,
    ...flags,
    search: searchTextOf(user),
  }
}
