import { findUriProblem } from './exact_uri.ts'

/** The longest logo, in characters of its URI. */
export const MAX_LOGO_CHARACTERS = 8192

const IMAGE_DATA = /^data:image\/(?:png|svg\+xml|webp);base64,[A-Za-z0-9+/]+={0,2}$/
/** A path of this server's origin. The end of an image file keeps the path apart from every endpoint. */
const IMAGE_PATH = /^(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+\.(?:png|svg|webp)$/

/** Finds the problem of a link that the pages show, such as the link to the terms of a client; null for a valid link. */
export function findLinkProblem(uri: string): string | null {
  return findUriProblem(uri) ?? (uri.startsWith('https:') ? null : 'must be https')
}

/** Finds the problem of a logo. The pages load nothing from another host (docs/decisions/0053). */
export function findLogoProblem(uri: string): string | null {
  if (uri.length > MAX_LOGO_CHARACTERS) return `must have at most ${MAX_LOGO_CHARACTERS} characters`
  if (IMAGE_DATA.test(uri) || IMAGE_PATH.test(uri)) return null
  return 'must be data:image/png, image/svg+xml or image/webp in base64, or a path such as /logos/partner.svg'
}
