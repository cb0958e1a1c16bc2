import { isSecure } from '@sallyport/formats/secure_url'
import { UsageError } from '../core/exit_code.ts'

/** Where `npm start` serves. */
export const LOCAL_SERVER = 'http://127.0.0.1:8787'

/**
 * The origin of a server. Passwords and tokens go there, so without TLS it must be this machine.
 *
 * @throws UsageError
 */
export function parseServerAddress(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  const isOrigin = url !== null && url.pathname === '/' && url.search + url.hash + url.username === ''
  if (!isOrigin || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(`"${text}" is not the address of a server, such as https://id.example.com`)
  }
  if (!isSecure(url)) {
    throw new UsageError(`${url.origin} would get passwords in the clear: use https`)
  }
  return url.origin
}
