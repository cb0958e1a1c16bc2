import { type Document, LineCounter, parseDocument } from 'yaml'
import { type Config, resolveConfig } from './config.ts'
import { ConfigError, readSettings } from './read_settings.ts'
import type { Settings } from './schema.ts'
import { describeUnknownKey } from './unknown_key.ts'

// The Worker does not import this module: the build gives the Worker the content of config.yml as JSON (docs/decisions/0021).

/** A document of YAML, and the position of each line in its text. */
interface Parsed {
  document: Document
  lines: LineCounter
}

/** Parses and checks the text of config.yml. @throws ConfigError, with all problems */
export function parseConfig(text: string, options: { localPort?: string | undefined } = {}): Config {
  return resolveConfig(parseSettings(text), options.localPort)
}

/** Like `parseConfig`, but returns the checked settings as the file has them, before `resolveConfig`. @throws ConfigError, with all problems */
export function parseSettings(text: string): Settings {
  const { document, lines } = parseText(text)
  return readSettings(toValue(document), (path) => describeUnknownKey(path, document, lines))
}

function parseText(text: string): Parsed {
  // If a file has another encoding, such as UTF-16, its text contains these characters after it is decoded as UTF-8.
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
