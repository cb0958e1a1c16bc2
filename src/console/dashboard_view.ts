import type { Form } from '../pages/form.ts'
import { formatQuery } from './admin_client.ts'

/** The ranges of the dashboard, in minutes. */
export const RANGES = [
  ['60', '1 hour'],
  ['360', '6 hours'],
  ['1440', '1 day'],
  ['10080', '7 days'],
  ['43200', '30 days'],
] as const

export const REFRESH_SECONDS = 30

/**
 * The page refreshes for this time after the operator has loaded it. Each load uses the session, so without an end an unattended
 * page would keep the session alive.
 */
const REFRESH_FOR_SECONDS = 1800

/** `table`: the page shows a table, which does not refresh, because a new page loses the keyboard focus. */
export type RefreshState = 'on' | 'paused' | 'ended' | 'table'

/** The view that the URL of the dashboard describes. */
export interface DashboardView {
  minutes: (typeof RANGES)[number][0]
  isTable: boolean
  isPaused: boolean
  /** The time at which the operator loaded the page. A refresh keeps it. Unix seconds. */
  loadedAt: number
}

/** Reads the view. A `loaded` in the future counts as a load by the operator. */
export function readView(query: Form, now: number): DashboardView {
  const [[shortest]] = RANGES
  const loadedAt = Number(query.text('loaded') || now)
  return {
    minutes: RANGES.find(([value]) => value === query.text('minutes'))?.[0] ?? shortest,
    isTable: query.text('view') === 'table',
    isPaused: query.text('refresh') === 'off',
    loadedAt: Number.isInteger(loadedAt) && loadedAt <= now ? loadedAt : now,
  }
}

export function refreshStateOf({ isTable, isPaused, loadedAt }: DashboardView, now: number): RefreshState {
  if (isTable) return 'table'
  if (isPaused) return 'paused'
  return now < endOfRefresh({ loadedAt }) ? 'on' : 'ended'
}

/** The time of the last refresh, in Unix seconds. */
export function endOfRefresh({ loadedAt }: Pick<DashboardView, 'loadedAt'>): number {
  return loadedAt + REFRESH_FOR_SECONDS
}

/** The path of a view below /console, for a link. It has no `loaded`, because the operator loads the page. */
export function pathOfView({ minutes, isTable, isPaused }: Omit<DashboardView, 'loadedAt'>): string {
  const [[shortest]] = RANGES
  return formatQuery({
    minutes: minutes === shortest ? null : minutes,
    view: isTable ? 'table' : null,
    refresh: isPaused ? 'off' : null,
  })
}

/** The path of the next refresh below /console. */
export function pathOfRefresh({ minutes, loadedAt }: DashboardView): string {
  return formatQuery({ minutes, loaded: loadedAt })
}
