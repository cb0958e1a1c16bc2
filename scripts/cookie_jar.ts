/** The cookies of a browser at one origin, by name. */
export class CookieJar {
  readonly #values = new Map<string, string>()

  /** The value of the header `Cookie`; empty without cookies. */
  get header(): string {
    return [...this.#values].map((pair) => pair.join('=')).join('; ')
  }

  get(name: string): string | undefined {
    return this.#values.get(name)
  }

  set(name: string, value: string): void {
    this.#values.set(name, value)
  }

  delete(name: string): void {
    this.#values.delete(name)
  }

  /** Removes all cookies, as a browser that refuses or deletes them. */
  clear(): void {
    this.#values.clear()
  }

  /** Keeps the cookies of a response. @param lines The values of its headers `Set-Cookie` */
  keep(lines: readonly string[]): void {
    for (const line of lines) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (value === '' || /;\s*Max-Age=0(?:;|$)/i.test(line)) this.#values.delete(name)
      else this.#values.set(name, value)
    }
  }
}
