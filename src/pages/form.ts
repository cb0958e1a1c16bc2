/** The values of a form, from a posted body or from a record. */
export class Form {
  readonly #fields: URLSearchParams

  constructor(fields: URLSearchParams) {
    this.#fields = fields
  }

  /** @param fields A list has the values of the checked boxes. */
  static of(fields: Readonly<Record<string, string | readonly string[]>>): Form {
    const entries = Object.entries(fields).flatMap(([name, value]) =>
      (typeof value === 'string' ? [value] : value).map((item) => [name, item]),
    )
    return new Form(new URLSearchParams(entries))
  }

  /** A copy with other values of these fields. */
  with(fields: Readonly<Record<string, string | readonly string[]>>): Form {
    const changed = new URLSearchParams(this.#fields)
    for (const [name, value] of Object.entries(fields)) {
      changed.delete(name)
      for (const item of typeof value === 'string' ? [value] : value) changed.append(name, item)
    }
    return new Form(changed)
  }

  /** Every field with its value; a list has an entry for each value. */
  entries(): [name: string, value: string][] {
    return [...this.#fields]
  }

  /** The text of a field; empty if the form does not have the field. */
  text(name: string): string {
    return this.#fields.get(name) ?? ''
  }

  /** The values of the checked boxes. */
  list(name: string): string[] {
    return this.#fields.getAll(name)
  }

  has(name: string): boolean {
    return this.#fields.has(name)
  }

  isChecked(name: string): boolean {
    return this.has(name)
  }

  /** The value of two radio buttons. Other text is returned unchanged, so that the API reports the error. */
  flag(name: string): boolean | string {
    const text = this.text(name)
    return text === 'true' || (text === 'false' ? false : text)
  }

  /** The lines of a text without the empty ones. */
  lines(name: string): string[] {
    return this.text(name)
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
  }

  /** A whole number, or null if the field is empty. Other text is returned unchanged, so that the API reports the error. */
  number(name: string): number | string | null {
    const text = this.text(name).trim()
    if (text === '') return null
    return /^\d{1,15}$/.test(text) ? Number(text) : text
  }
}
