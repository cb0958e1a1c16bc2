import { onTestFinished, vi } from 'vitest'

/** Keeps errors and warnings out of the output of a test. @returns a function that reads the lines of the log */
export function watchFailures() {
  const spies = [vi.spyOn(console, 'error'), vi.spyOn(console, 'warn')]
  for (const spy of spies) spy.mockImplementation(() => {})
  onTestFinished(() => {
    for (const spy of spies) spy.mockRestore()
  })
  return (): Record<string, unknown>[] =>
    spies.flatMap((spy) => spy.mock.calls.map(([line]) => JSON.parse(String(line))))
}
