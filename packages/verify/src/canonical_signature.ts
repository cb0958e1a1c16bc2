import { base64url } from 'jose'

/**
 * Whether the signature of a JWT is canonical base64url. Decoders ignore padding, spaces and spare bits, which RFC 7515 §2 does not
 * allow. The other parts of the JWT need no check, because the signature covers their text.
 */
export function hasCanonicalSignature(jwt: string): boolean {
  const signature = jwt.slice(jwt.lastIndexOf('.') + 1)
  return base64url.encode(base64url.decode(signature)) === signature
}
