/** The origin of a URL; null for text that is no http or https URL. */
export function originOf(url: string): string | null {
  const parsed = URL.canParse(url) ? new URL(url) : null
  return parsed && /^https?:$/.test(parsed.protocol) ? parsed.origin : null
}

/** Whether responses of an origin can be trusted: it has https, or is this machine (RFC 8252 §7.3). */
export function isSecureOrigin(origin: string): boolean {
  const { protocol, hostname } = new URL(origin)
  return protocol === 'https:' || ['127.0.0.1', '[::1]', 'localhost'].includes(hostname)
}
