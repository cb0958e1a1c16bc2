import type { Context } from 'hono'
import * as z from 'zod/mini'
import type { TextSealer } from '../keys/text_sealer.ts'
import { SealedCookie } from '../pages/sealed_cookie.ts'
import { CONSOLE_PATH } from './console_path.ts'
import { findNotice } from './notices.ts'

/** A redirect that takes longer than this shows no notice. */
const MAX_AGE_SECONDS = 60

const noticeSchema = z.object({
  name: z.string(),
  /** The number of sessions that the change ended, as words. */
  sessions: z.optional(z.string()),
  /** The path of the page that shows the notice, so that another tab does not take it. */
  path: z.string(),
  /** Unix seconds. */
  at: z.int(),
})
type Notice = z.output<typeof noticeSchema>

/** The notice after a change. The next request for its page takes it, so a reload does not show it again. */
export class NoticeCookie {
  readonly #cookie: SealedCookie<Notice>

  constructor(sealer: TextSealer, issuer: string) {
    this.#cookie = new SealedCookie(sealer, issuer, {
      name: 'sallyport-console-notice',
      path: CONSOLE_PATH,
      sameSite: 'Strict',
      schema: noticeSchema,
    })
  }

  /** @param notice `path` is the path of the redirect. */
  async set(c: Context, notice: Notice): Promise<void> {
    await this.#cookie.write(c, notice)
  }

  /** The text of the notice for this page, which it removes; null for a page without a notice. */
  async take(c: Context, now: number): Promise<string | null> {
    const notice = await this.#cookie.read(c)
    if (notice === null || notice.path !== new URL(c.req.url).pathname) return null
    this.#cookie.clear(c)
    return now - notice.at > MAX_AGE_SECONDS ? null : findNotice(notice)
  }
}
