/**
 * Reads the text of a response from another service, up to a size and until a deadline.
 *
 * @param limits.signal Ends the reading.
 * @returns null where the text is longer
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
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    text += decoder.decode(read.value, { stream: true })
    if (text.length > maxBytes) {
      stop()
      return null
    }
  }
  signal.throwIfAborted()
  signal.removeEventListener('abort', stop)
  return text
}
