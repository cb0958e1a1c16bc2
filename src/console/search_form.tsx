import type { Option } from '../pages/fields.tsx'
import type { Form } from '../pages/form.ts'
import { CONSOLE_PATH } from './console_path.ts'

export interface Filter {
  name: string
  label: string
  options: readonly Option[]
}

export interface TextFilter {
  name: string
  label: string
  type?: 'text' | 'datetime-local'
}

interface SearchFormProps {
  action: string
  query: Form
  /** The label of the field `q`; absent if the form has none. */
  label?: string
  filters?: readonly Filter[]
  texts?: readonly TextFilter[]
}

/** The filters of a list. The address contains them. */
export function SearchForm({ action, query, label, filters = [], texts = [] }: SearchFormProps) {
  const all = [...(label === undefined ? [] : [{ name: 'q', label }]), ...texts]
  return (
    <form method="get" action={CONSOLE_PATH + action} class="search">
      {all.map((field) => (
        <label>
          <span>{field.label}</span>
          <input
            type={'type' in field && field.type ? field.type : 'text'}
            name={field.name}
            value={query.text(field.name)}
            autocapitalize="none"
            spellcheck={false}
          />
        </label>
      ))}
      {filters.map(({ name, label: text, options }) => (
        <label>
          <span>{text}</span>
          <select name={name}>
            {options.map((option) => (
              <option value={option.value} selected={option.value === query.text(name)}>
                {option.label}
              </option>
            ))}
          </select>
        </label>
      ))}
      <button type="submit">Search</button>
    </form>
  )
}
