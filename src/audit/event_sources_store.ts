import { ArchivedEventStore } from './archived_event_store.ts'
import { BatchedEventStore } from './batched_event_store.ts'

/** The places of events that came through the queue. */
export interface EventSources {
  batched: BatchedEventStore
  archived: ArchivedEventStore
}

/** The sources of a database without a bucket. */
export function sourcesIn(db: D1Database): EventSources {
  return { batched: new BatchedEventStore([db]), archived: new ArchivedEventStore([db], null) }
}
