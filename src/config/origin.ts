/** An exact http or https origin as a URL; null for anything that has more or less than an origin. */
export function parseOrigin(text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null
  return url && /^https?:$/.test(url.protocol) && url.origin === text && !text.includes('*') ? url : null
}

/** Whether a URL names this machine alone (RFC 8252 §7.3: the loopback addresses, and localhost). */
export function isLoopback(url: string): boolean {
  return URL.canParse(url) && ['127.0.0.1', '[::1]', 'localhost'].includes(new URL(url).hostname)
}
