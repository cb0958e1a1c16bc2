import { formatCount } from '../core/count.ts'

const WIDTH = 24
const PAUSE_MS = 100

/** A progress bar on stderr. If stderr is not a terminal, it prints nothing. */
export class Progress {
  readonly #isShown: boolean
  #title = ''
  #total = 0
  #done = 0
  #startedMs = 0
  #shownMs = 0

  constructor(isShown: boolean) {
    this.#isShown = isShown
  }

  begin(title: string, total: number): void {
    this.#title = title
    this.#total = total
    this.#done = 0
    this.#startedMs = performance.now()
  }

  add(count: number): void {
    this.#done += count
    const nowMs = performance.now()
    if (!this.#isShown || nowMs - this.#shownMs < PAUSE_MS) return
    this.#shownMs = nowMs
    const share = Math.min(1, this.#done / Math.max(1, this.#total))
    const bar = '█'.repeat(Math.floor(share * WIDTH)).padEnd(WIDTH, '░')
    const rate = Math.round((this.#done / (nowMs - this.#startedMs)) * 1000)
    const numbers = `${formatCount(this.#done)} of ${formatCount(this.#total)}, ${formatCount(rate)} a second`
    process.stderr.write(`\r\u001B[K${this.#title} ${bar} ${numbers}`)
  }

  /** Removes the bar. Call this before any other output. */
  clear(): void {
    if (this.#isShown) process.stderr.write('\r\u001B[K')
  }
}
