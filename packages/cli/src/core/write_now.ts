import { fstatSync, fsyncSync, writeSync } from 'node:fs'

const PAUSE_MS = 5
const pause = new Int32Array(new SharedArrayBuffer(4))

/**
 * Writes a text to a file descriptor before it returns. A file is also flushed to the disk. The streams of Node report errors later,
 * or never.
 *
 * @throws the error of the system, such as EPIPE for a closed pipe and ENOSPC for a full disk
 */
export function writeNow(descriptor: number, text: string): void {
  let rest = Buffer.from(text)
  while (rest.length > 0) rest = rest.subarray(writeSome(descriptor, rest))
  if (fstatSync(descriptor).isFile()) fsyncSync(descriptor)
}

/** @returns the number of written bytes; 0 if the reader of a pipe is slow */
function writeSome(descriptor: number, bytes: Buffer): number {
  try {
    return writeSync(descriptor, bytes)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error
    Atomics.wait(pause, 0, 0, PAUSE_MS)
    return 0
  }
}
