/** Whether a URL has a loopback host (RFC 8252 §7.3), `localhost` included. */
export function isLoopback(url: string): boolean {
  return URL.canParse(url) && ['127.0.0.1', '[::1]', 'localhost'].includes(new URL(url).hostname)
}

/** Whether passwords and tokens can be sent to a URL: with https, or with http to a loopback host. */
export function isSecure(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.href))
}
