import type { Child, PropsWithChildren } from 'hono/jsx'
import { compact } from '../lib/compact.ts'
import { Link } from './parts.tsx'

/** The order of a table by a column. */
export interface ColumnSort {
  /** The path of the table in this order, below /console. */
  to: string
  /** Null if the table has another order. */
  direction: 'ascending' | 'descending' | null
}

export interface TableProps {
  caption: string
  /** The column with an empty name contains actions. */
  columns: readonly string[]
  rows: readonly Row[]
  /** The columns with numbers. */
  numbers?: readonly string[]
  /** By the names of the columns that sort the table. */
  sorts?: Readonly<Record<string, ColumnSort>>
  /** Whether the table stays a table on a narrow screen, and scrolls there. */
  isScrolled?: boolean
}

/** The first cell of a row is its header. Null is an empty cell. */
type Cells = readonly Child[]

/** The cells of a row; or its cells and the confirmation that its toggle shows below the row. */
export type Row = Cells | { cells: Cells; confirmation: Child }

/** A table with more columns becomes a list of blocks at a larger width. */
const MAX_MEDIUM_COLUMNS = 7

/**
 * A table. On a narrow screen each row is a block, and each cell has the name of its column. The keyboard can scroll a table
 * that is wider than its panel.
 */
export function Table({ caption, columns, rows, numbers = [], sorts = {}, isScrolled = false }: TableProps) {
  const kind = isScrolled ? ' scrolled' : columns.length > MAX_MEDIUM_COLUMNS ? ' wide' : ''
  return (
    <section class={`panel${kind}`} aria-label={caption} tabindex={0}>
      <table>
        <caption class="hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((name) => (
              <ColumnHeader name={name} isNumber={numbers.includes(name)} sort={sorts[name] ?? null} />
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) =>
            'cells' in row ? (
              <>
                <TableRow cells={row.cells} columns={columns} numbers={numbers} />
                <tr class="confirmation">
                  <td colspan={columns.length}>{row.confirmation}</td>
                </tr>
              </>
            ) : (
              <TableRow cells={row} columns={columns} numbers={numbers} />
            ),
          )}
        </tbody>
      </table>
    </section>
  )
}

interface TableRowProps extends Required<Pick<TableProps, 'columns' | 'numbers'>> {
  cells: Cells
}

function TableRow({ cells: [head, ...cells], columns, numbers }: TableRowProps) {
  return (
    <tr>
      <th scope="row">{head}</th>
      {cells.map((cell, i) => (
        <Cell
          isEmpty={cell === null}
          column={columns[i + 1] ?? ''}
          isNumber={numbers.includes(columns[i + 1] ?? '')}
        >
          {cell}
        </Cell>
      ))}
    </tr>
  )
}

interface ColumnHeaderProps {
  name: string
  isNumber: boolean
  sort: ColumnSort | null
}

function ColumnHeader({ name, isNumber, sort }: ColumnHeaderProps) {
  const text = name === '' ? <span class="hidden">Actions</span> : name
  if (sort === null) {
    return (
      <th scope="col" {...classOf(isNumber && 'number')}>
        {text}
      </th>
    )
  }
  const { to, direction } = sort
  return (
    <th scope="col" class="sort" {...compact({ 'aria-sort': direction ?? undefined })}>
      <Link to={to}>{text}</Link>
    </th>
  )
}

interface CellProps {
  column: string
  isNumber: boolean
  /** Narrow screens hide an empty cell. */
  isEmpty: boolean
}

function Cell({ column, isNumber, isEmpty, children }: PropsWithChildren<CellProps>) {
  return (
    <td
      {...compact({ 'data-column': column === '' ? undefined : column })}
      {...classOf(isEmpty ? 'none' : isNumber && 'number')}
    >
      <div>{isEmpty ? '–' : children}</div>
    </td>
  )
}

function classOf(name: string | false) {
  return name === false ? {} : { class: name }
}
