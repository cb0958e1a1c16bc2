import { type Document, LineCounter, parseDocument } from 'yaml'
import { type Config, ConfigError, readConfig } from './config.ts'
import { describeUnknownKey } from './unknown_key.ts'

// The Worker does not import this module. The build gives it the document as JSON (docs/decisions/0021).

/** A document of YAML, and the position of each line in its text. */
interface Parsed {
  document: Document
  lines: LineCounter
}

/** Parses and checks the text of config.yml. @throws ConfigError, with all problems */
export function parseConfig(text: string, options: { localPort?: string | undefined } = {}): Config {
  const { document, lines } = parseText(text)
  const describe = (path: readonly string[]) => describeUnknownKey(path, document, lines)
  return readConfig(toValue(document), { ...options, describeUnknownKey: describe })
}

/** Parses YAML without a check of the values. @throws ConfigError if the YAML is invalid */
export function parseYaml(text: string): unknown {
  return toValue(parseText(text).document)
}

function parseText(text: string): Parsed {
  // A decoder of UTF-8 leaves these characters in a text of another encoding, such as UTF-16.
  if (/[\0\ufffd]/.test(text)) throw new ConfigError(['(file): is not UTF-8 text. Save the file as UTF-8'])
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const problems = [...document.errors, ...document.warnings]
  if (problems.length > 0) throw new ConfigError(problems.map(firstLine))
  if (document.contents === null)
    throw new ConfigError(['(file): is empty. docs/configuration.md lists the keys'])
  return { document, lines }
}

function toValue(document: Document): unknown {
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
