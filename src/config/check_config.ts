import { parseConfig } from './parse_config.ts'
import { ConfigError } from './read_settings.ts'

/** The main facts of a valid file, or the problems of an invalid file, one per line. */
export type ConfigCheck = { issuer: string; apis: string[] } | { problems: string }

/** Checks the text of a config.yml. `npm run build` bundles this module for `sallyport config check`. */
export function checkConfig(text: string): ConfigCheck {
  try {
    const { issuer, apis } = parseConfig(text)
    return { issuer, apis: [...apis.keys()] }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { problems: error.message }
  }
}
