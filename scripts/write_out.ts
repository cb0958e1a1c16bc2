import { writeNow } from '../packages/cli/src/core/write_now.ts'
import { stop } from './stop.ts'

const NAMES = { 1: 'Standard output', 2: 'Standard error' }

/** Writes a line that must not be lost. If it cannot be written, the process ends with exit code 1. */
export function writeOut(descriptor: keyof typeof NAMES, line: string): void {
  try {
    writeNow(descriptor, `${line}\n`)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    stop(
      `${NAMES[descriptor]} failed: ${reason}. Nothing was created. Discard the output, and run the command again.`,
    )
  }
}
