import { createReadStream } from 'node:fs'
import { isCode } from '../api/file_lock.ts'
import { CliError } from '../core/exit_code.ts'

/** Yields the text of a UTF-8 file in chunks, without a byte order mark. @throws CliError */
export async function* readText(file: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })
  try {
    for await (const chunk of createReadStream(file)) yield decoder.decode(chunk, { stream: true })
    yield decoder.decode()
  } catch (error) {
    if (isCode(error, 'ENOENT')) throw new CliError('failed', `${file}: there is no such file`)
    if (isCode(error, 'EISDIR')) throw new CliError('failed', `${file} is a directory`)
    if (isCode(error, 'ERR_ENCODING_INVALID_ENCODED_DATA'))
      throw new CliError('failed', `${file} is not UTF-8`)
    throw error
  }
}

/** The whole text of a UTF-8 file. @throws CliError */
export async function readWholeText(file: string): Promise<string> {
  let text = ''
  for await (const chunk of readText(file)) text += chunk
  return text
}
