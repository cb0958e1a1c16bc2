import { decodeBase64, encodeUtf8 } from '../lib/bytes.ts'
import { DELIVERED, type Delivery, type MailDriver } from './mail_driver.ts'
import type { RenderedMail } from './render_mail.ts'

const TIMEOUT_MS = 10_000
const PREFIX = 'whsec_'
const MIN_SECRET_BYTES = 24
const MAX_SECRET_BYTES = 64

/** The secrets of the webhook. Each request has a signature for each of them, so that a secret can be changed. */
export type WebhookSecrets = readonly Uint8Array[]

/**
 * Parses MAIL_SECRET: one secret, or two that a space separates. A secret is `whsec_` and 24 to 64 bytes in base64 (Standard
 * Webhooks, "signature scheme"). Null for other texts.
 */
export function parseWebhookSecrets(text: string): WebhookSecrets | null {
  const secrets = text.split(' ').map(parseSecret)
  const valid = secrets.filter((secret) => secret !== null)
  return valid.length === secrets.length && valid.length <= 2 ? valid : null
}

function parseSecret(text: string): Uint8Array | null {
  const bytes = text.startsWith(PREFIX) ? decodeBase64(text.slice(PREFIX.length)) : null
  return bytes !== null && bytes.length >= MIN_SECRET_BYTES && bytes.length <= MAX_SECRET_BYTES ? bytes : null
}

/** Sends each mail as a signed POST to a URL (Standard Webhooks). */
export class WebhookDriver implements MailDriver {
  readonly #url: string
  readonly #secrets: WebhookSecrets

  constructor(url: string, secrets: WebhookSecrets) {
    this.#url = url
    this.#secrets = secrets
  }

  async deliver(mail: RenderedMail, now: number): Promise<Delivery> {
    const body = formatBody(mail)
    const signed = `${mail.id}.${now}.${body}`
    const signatures = await Promise.all(this.#secrets.map((secret) => sign(secret, signed)))
    const response = await fetch(this.#url, {
      method: 'POST',
      body,
      headers: {
        'Content-Type': 'application/json',
        'User-Agent': 'sallyport',
        'webhook-id': mail.id,
        'webhook-timestamp': String(now),
        'webhook-signature': signatures.map((signature) => `v1,${signature}`).join(' '),
      },
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    await response.body?.cancel()
    return toDelivery(response)
  }
}

/** A repeated delivery has the same body. */
function formatBody({ kind, from, to, language, subject, text, html, queuedAt }: RenderedMail): string {
  const data = { kind, from, to, language, subject, text, html }
  return JSON.stringify({ type: 'mail', timestamp: new Date(queuedAt * 1000).toISOString(), data })
}

async function sign(secret: Uint8Array, text: string): Promise<string> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('raw', secret, algorithm, false, ['sign'])
  const signature = new Uint8Array(await crypto.subtle.sign('HMAC', key, encodeUtf8(text)))
  return btoa(String.fromCharCode(...signature))
}

/** A receiver with too many requests has 429. Every other status of 4xx is final. */
function toDelivery({ ok, status }: Response): Delivery {
  if (ok) return DELIVERED
  const isFinal = status >= 400 && status < 500 && status !== 429
  return { outcome: isFinal ? 'dropped' : 'failed', reason: `status ${status}` }
}
