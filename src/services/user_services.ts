import { CommonPasswords } from '../users/common_passwords.ts'
import { NameStore } from '../users/name_store.ts'
import { UserAdminStore } from '../users/user_admin_store.ts'
import { UserStore } from '../users/user_store.ts'
import type { Environment } from './environment.ts'
import type { StorageServices } from './storage_services.ts'

export type UserServices = ReturnType<typeof createUserServices>

/** Creates the stores of users, and the list of common passwords. */
export function createUserServices({ db }: Environment, { staticFiles }: StorageServices) {
  return {
    commonPasswords: new CommonPasswords((file) => staticFiles.read(file)),
    users: new UserStore(db),
    userAdmin: new UserAdminStore(db),
    names: new NameStore(db),
  }
}
