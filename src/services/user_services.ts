import type { Config } from '../config/config.ts'
import { CommonPasswords } from '../users/common_passwords.ts'
import { NameStore } from '../users/name_store.ts'
import { UserAdminStore } from '../users/user_admin_store.ts'
import { UserDatabases } from '../users/user_databases_store.ts'
import { UserStore } from '../users/user_store.ts'
import type { Environment } from './environment.ts'
import type { StorageServices } from './storage_services.ts'

export type UserServices = ReturnType<typeof createUserServices>

/** Creates the stores of users, and the list of common passwords. */
export function createUserServices(
  { db, userDatabases: further }: Environment,
  config: Config,
  { staticFiles }: StorageServices,
) {
  const databases = new UserDatabases(db, further, config.userDatabases?.pools)
  return {
    userDatabases: databases,
    commonPasswords: new CommonPasswords((file) => staticFiles.read(file)),
    users: new UserStore(databases),
    userAdmin: new UserAdminStore(databases),
    names: new NameStore(databases),
  }
}
