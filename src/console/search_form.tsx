import type { Option } from '../pages/fields.tsx'
import type { Form } from '../pages/form.ts'
import { CONSOLE_PATH } from './console_path.ts'
import type { ListAddress } from './list_address.ts'
import { type FieldLabel, Link } from './parts.tsx'

/** A field that filters a list. */
export interface Filter {
  name: string
  label: string
  /** A hint in an empty text field. */
  placeholder?: string
  /** `text` if absent. */
  type?: 'text' | 'datetime-local'
  /** The values of a choice; absent for a text field. */
  options?: readonly Option[]
}

/** With more filters, a narrow screen shows the form after a click. */
const MAX_OPEN = 4

interface SearchFormProps {
  address: ListAddress
  query: Form
  filters: readonly Filter[]
}

/** The filters of a list. The URL contains them, and a search keeps the order of the list. */
export function SearchForm({ address, query, filters }: SearchFormProps) {
  const used = filters.filter(({ name }) => query.text(name) !== '')
  const form = (
    <form method="get" action={CONSOLE_PATH + address.path} class="search">
      {filters.map((filter) => (
        <FilterField filter={filter} value={query.text(filter.name)} />
      ))}
      {address.sort === address.defaultSort ? null : <input type="hidden" name="sort" value={address.sort} />}
      <button type="submit">Search</button>
      {used.length === 0 ? null : <Clear address={address} />}
    </form>
  )
  if (filters.length <= MAX_OPEN) return form
  return (
    <>
      <details class="filters">
        <summary>Filters</summary>
        {form}
      </details>
      {used.length === 0 ? null : (
        <p class="used">
          {used.map((filter) => `${filter.label}: ${shownValueOf(filter, query)}`).join(', ')}
          <Clear address={address} />
        </p>
      )}
    </>
  )
}

function Clear({ address }: Pick<SearchFormProps, 'address'>) {
  return (
    <span class="clear">
      <Link to={address.path}>Clear</Link>
    </span>
  )
}

function shownValueOf({ name, options = [] }: Filter, query: Form): string {
  const value = query.text(name)
  return options.find((option) => option.value === value)?.label ?? value
}

/** The label and the id of the field of a filter. */
export function labelOf({ name, label }: Filter): FieldLabel & { id: string } {
  return { name, label, id: `filter-${name}` }
}

function FilterField({ filter, value }: { filter: Filter; value: string }) {
  const { name, label, placeholder = '', type = 'text', options = [] } = filter
  const { id } = labelOf(filter)
  return (
    <div class={`filter ${options.length === 0 ? type : 'choice'}`}>
      <label for={id}>{label}</label>
      {options.length === 0 ? (
        <input
          id={id}
          type={type}
          name={name}
          value={value}
          placeholder={placeholder}
          autocapitalize="none"
          spellcheck={false}
        />
      ) : (
        <select id={id} name={name}>
          {options.map((option) => (
            <option value={option.value} selected={option.value === value}>
              {option.label}
            </option>
          ))}
        </select>
      )}
    </div>
  )
}
