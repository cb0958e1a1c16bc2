/** The origin of an http or https URL; null for any other text. */
export function originOf(url: string): string | null {
  const parsed = URL.canParse(url) ? new URL(url) : null
  return parsed && /^https?:$/.test(parsed.protocol) ? parsed.origin : null
}

/** Whether an origin has https or is a loopback address (RFC 8252 §7.3). */
export function isSecureOrigin(origin: string): boolean {
  const { protocol, hostname } = new URL(origin)
  return protocol === 'https:' || ['127.0.0.1', '[::1]', 'localhost'].includes(hostname)
}
