import { parseDocument } from 'yaml'
import { type Config, ConfigError, readConfig } from './config.ts'

// The Worker does not import this module. The build gives it the document as JSON (docs/decisions/0021).

/** Parses and checks the text of config.yml. @throws ConfigError, with all problems */
export function parseConfig(text: string, options: { localPort?: string | undefined } = {}): Config {
  return readConfig(parseYaml(text), options)
}

/** Parses YAML without a check of the values. @throws ConfigError if the YAML is invalid */
export function parseYaml(text: string): unknown {
  const document = parseDocument(text)
  const problems = [...document.errors, ...document.warnings]
  if (problems.length > 0) throw new ConfigError(problems.map(firstLine))
  try {
    return document.toJS()
  } catch (error) {
    throw new ConfigError([firstLine(error)])
  }
}

function firstLine(error: unknown): string {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
  return line.replace(/:$/, '')
}
