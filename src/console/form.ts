/** What a form has in it: what was typed, or what a record begins as. */
export class Form {
  readonly #fields: URLSearchParams

  constructor(fields: URLSearchParams) {
    this.#fields = fields
  }

  /** @param fields Lists are those of checkboxes. */
  static of(fields: Readonly<Record<string, string | readonly string[]>>): Form {
    const entries = Object.entries(fields).flatMap(([name, value]) =>
      (typeof value === 'string' ? [value] : value).map((item) => [name, item]),
    )
    return new Form(new URLSearchParams(entries))
  }

  /** The text of a field; empty where there is none. */
  text(name: string): string {
    return this.#fields.get(name) ?? ''
  }

  /** The values of the boxes that are checked. */
  list(name: string): string[] {
    return this.#fields.getAll(name)
  }

  isChecked(name: string): boolean {
    return this.#fields.has(name)
  }

  /** The lines of a text that say something. */
  lines(name: string): string[] {
    return this.text(name)
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
  }

  /** A whole number; null where the field is empty. What is no number goes on as it is, to be refused by name. */
  number(name: string): number | string | null {
    const text = this.text(name).trim()
    if (text === '') return null
    return /^\d{1,15}$/.test(text) ? Number(text) : text
  }
}
