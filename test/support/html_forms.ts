/** A field of a form, with its current value. */
export interface HtmlField {
  name: string
  type: string
  value: string
  checked: boolean
  label: string
}

export interface HtmlForm {
  action: string
  method: string
  fields: HtmlField[]
  buttons: HtmlButton[]
}

/** A button of a form. A button with a name is sent if it is pressed. */
export interface HtmlButton {
  text: string
  name: string
  value: string
}

interface Label {
  target: string | null
  text: string
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&quot;': '"',
  '&#39;': "'",
  '&lt;': '<',
  '&gt;': '>',
  '&amp;': '&',
}

/** Reads the forms of a page: their fields with the texts of the labels, and their buttons. */
export async function readForms(html: string): Promise<HtmlForm[]> {
  const forms: HtmlForm[] = []
  const labels: Label[] = []
  const found: { field: HtmlField; id: string | null; wrapping: Label | null }[] = []
  let wrapping: Label | null = null

  function addField(element: Element, type: string, value: string): void {
    const name = element.getAttribute('name') ?? ''
    const field = { name, type, value, checked: element.hasAttribute('checked'), label: '' }
    forms.at(-1)?.fields.push(field)
    found.push({ field, id: element.getAttribute('id'), wrapping })
  }

  const rewriter = new HTMLRewriter()
    .on('form', {
      element(element) {
        const action = decode(element.getAttribute('action') ?? '')
        forms.push({ action, method: element.getAttribute('method') ?? 'get', fields: [], buttons: [] })
      },
    })
    .on('label', {
      element(element) {
        const label = { target: element.getAttribute('for'), text: '' }
        labels.push(label)
        wrapping = label
        element.onEndTag(() => {
          wrapping = null
        })
      },
      text({ text }) {
        const label = labels.at(-1)
        if (label) label.text += text
      },
    })
    .on('form input', {
      element(element) {
        addField(element, element.getAttribute('type') ?? 'text', decode(element.getAttribute('value') ?? ''))
      },
    })
    .on('form textarea', {
      element: (element) => addField(element, 'textarea', ''),
      text({ text }) {
        const field = forms.at(-1)?.fields.at(-1)
        if (field) field.value += decode(text)
      },
    })
    .on('form select', { element: (element) => addField(element, 'select', '') })
    .on('form option[selected]', {
      element(element) {
        const field = forms.at(-1)?.fields.at(-1)
        if (field) field.value = decode(element.getAttribute('value') ?? '')
      },
    })
    .on('form button', {
      element(element) {
        const [name = '', value = ''] = ['name', 'value'].map((part) => element.getAttribute(part) ?? '')
        forms.at(-1)?.buttons.push({ text: '', name, value: decode(value) })
      },
      text({ text }) {
        const button = forms.at(-1)?.buttons.at(-1)
        if (button) button.text += decode(text)
      },
    })
  await rewriter.transform(new Response(html)).text()
  for (const { field, id, wrapping: around } of found) {
    const label = around ?? labels.find(({ target }) => target !== null && target === id)
    field.label = decode(label?.text ?? '').trim()
  }
  return forms
}

function decode(text: string): string {
  return text.replace(/&(?:quot|#39|lt|gt|amp);/g, (entity) => ENTITIES[entity] ?? entity)
}
