import type { Settings } from './schema.ts'

/** The key of a `Map` in the text, because JSON has none. No key of config.yml has this name. */
const MAP = '$map'

/** The checked values of config.yml as JSON. The build writes this text for the Worker. */
export function formatSettings(settings: Settings): string {
  return JSON.stringify(settings, (_key, value) => (value instanceof Map ? { [MAP]: [...value] } : value))
}

/** The opposite of `formatSettings`. @param text A text of the build of the same Worker, so its values are not checked again. */
export function parseBuiltSettings(text: string): Settings {
  return JSON.parse(text, (_key, value) => (Object.hasOwn(Object(value), MAP) ? new Map(value[MAP]) : value))
}
