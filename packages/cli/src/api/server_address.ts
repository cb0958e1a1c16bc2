import { isSecure } from '@sallyport/formats/secure_url'
import { UsageError } from '../core/exit_code.ts'

/** The URL of the server that `npm start` starts. */
export const LOCAL_SERVER = 'http://localhost:8787'

/**
 * Parses the origin of a server. Plain http is allowed only for this machine, because requests carry passwords and tokens.
 *
 * @throws UsageError
 */
export function parseServerAddress(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  const isOrigin = url !== null && url.pathname === '/' && url.search + url.hash + url.username === ''
  if (!isOrigin || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(`"${text}" is not the URL of a server, such as https://id.example.com`)
  }
  if (!isSecure(url)) {
    throw new UsageError(`${url.origin} would get passwords without encryption: use https`)
  }
  return url.origin
}
