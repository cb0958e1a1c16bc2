/** The value of `trusted_hosts` that trusts the documents of every host. Requests import it without the checks of config.yml. */
export const ANY_HOST = 'any'
