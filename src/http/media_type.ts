/** A media type without parameters, or with only the charset UTF-8. */
const MEDIA_TYPE = /^([^\s;]+)\s*(?:;\s*charset="?utf-?8"?\s*)?;?$/i

/** The media type of a UTF-8 body in lower case; null if the header is absent or has other parameters. */
export function mediaTypeOf(headers: Headers): string | null {
  return MEDIA_TYPE.exec(headers.get('Content-Type') ?? '')?.[1]?.toLowerCase() ?? null
}
