/** The bindings of the databases of `STAFF_IN_DATABASES`. */
export const STAFF_DATABASES = ['USERS_1', 'USERS_2']

/** The keys of config.yml for a real server whose new staff are in two databases. The customers of config.yml sign in to APIs with agents. */
export const STAFF_IN_DATABASES = {
  session_objects: { per_market: 1 },
  user_databases: {
    pools: ['staff'],
    databases: STAFF_DATABASES.map((binding, i) => ({ name: `u${i + 1}`, binding, new_users: ['staff'] })),
  },
}
