import { version } from '../../package.json'

/** The version of the server. `package.json` is its only source. */
export const VERSION: string = version
