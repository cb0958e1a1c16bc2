import * as z from 'zod/mini'
import { type ExportPlace, exportPlaceSchema } from '../audit/audit_export_store.ts'
import { text } from '../lib/input_schemas.ts'
import { eventSchema, showEvent } from './audit.ts'
import { maskOperators } from './mask_operators.ts'
import { type Operation, operation } from './operation.ts'
import { formatCursor, named, parseCursor, unixSeconds } from './schemas.ts'

export const exportSchema = named(
  'AuditExport',
  z.strictObject({
    /** Events without the names of their ids. */
    items: z.array(eventSchema),
    next_cursor: z.nullable(z.string()),
  }),
)

const exportAudit = operation({
  id: 'exportAudit',
  method: 'GET',
  path: '/audit/export',
  summary:
    'Returns all audit events of a time, also archived ones, in no order; `from` is inclusive and `to` exclusive, in Unix seconds',
  tag: 'audit',
  role: 'support',
  scope: 'audit:read',
  query: z.strictObject({ from: unixSeconds, to: unixSeconds, cursor: z.optional(text(500)) }).check(
    z.refine(({ from, to }) => from < to, {
      path: ['to'],
      message: 'must be later than the time in "from"',
    }),
  ),
  status: 200,
  response: exportSchema,
  async handle(call) {
    const { from, to, cursor } = call.query
    const place: ExportPlace | null = parseCursor(exportPlaceSchema, cursor)
    const { events, next } = await call.services.auditExport.read({ from, to }, place)
    const shown = await maskOperators(events, call)
    return {
      body: {
        items: shown.map((event) => showEvent(event, new Map())),
        next_cursor: next === null ? null : formatCursor(next),
      },
    }
  },
})

export const AUDIT_EXPORT: readonly Operation[] = [exportAudit]
