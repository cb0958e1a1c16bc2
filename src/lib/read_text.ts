/**
 * Reads the text of a response from another service, with a limit of size and time.
 *
 * @param limits.signal Stops the read.
 * @returns null if the text is longer than the limit
 * @throws the reason of the signal
 */
export async function readText(
  body: ReadableStream<Uint8Array> | null,
  { signal, maxBytes }: { signal: AbortSignal; maxBytes: number },
): Promise<string | null> {
  if (body === null) return ''
  const reader = body.getReader()
  const stop = () => void reader.cancel().catch(() => {})
  signal.addEventListener('abort', stop)
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    text += decoder.decode(read.value, { stream: true })
    bytes += read.value.byteLength
    if (bytes > maxBytes) {
      stop()
      return null
    }
  }
  signal.throwIfAborted()
  signal.removeEventListener('abort', stop)
  return text
}
