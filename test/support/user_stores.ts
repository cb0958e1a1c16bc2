import { IN_STRICT_OBJECTS } from './session_objects.ts'
import { IN_TWO_DATABASES } from './user_databases.ts'

/** Where new customers are, with the keys of config.yml for it. Each refresh reads the user. */
export const USER_STORES = [
  { users: 'the main database', config: {} },
  { users: 'further databases', config: { ...IN_TWO_DATABASES, ...IN_STRICT_OBJECTS } },
] as const
