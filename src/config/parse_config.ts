import { parseDocument } from 'yaml'
import { type Config, ConfigError, readConfig } from './config.ts'

// Not imported by the Worker, which gets the document as JSON (docs/decisions/0021).

/** Reads and checks the text of config.yml. @throws ConfigError with every problem at once */
export function parseConfig(text: string, options: { localPort?: string | undefined } = {}): Config {
  return readConfig(parseYaml(text), options)
}

/** What the YAML says, unchecked. @throws ConfigError where it is no good YAML */
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
