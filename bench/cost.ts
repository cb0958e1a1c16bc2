/** What a request makes the stores and the cryptography do. */
export interface Cost {
  /** Round trips to D1: a statement that is run, or a batch. */
  d1Calls: number
  /** Of these, those with a statement that writes. */
  d1WriteCalls: number
  /** Statements that read, alone or in a batch. */
  d1Reads: number
  d1Writes: number
  /** What D1 bills: rows that its statements looked at, and rows and index entries that they wrote. */
  d1RowsRead: number
  d1RowsWritten: number
  /** Rows that are new, without their index entries: the sweep removes each one day. */
  d1RowsAdded: number
  kvReads: number
  kvWrites: number
  /** Password hashes. */
  argon2: number
  sha256: number
  signatures: number
  /** Signatures that were verified. */
  verifications: number
  logLines: number
}

export const NO_COST: Readonly<Cost> = {
  d1Calls: 0,
  d1WriteCalls: 0,
  d1Reads: 0,
  d1Writes: 0,
  d1RowsRead: 0,
  d1RowsWritten: 0,
  d1RowsAdded: 0,
  kvReads: 0,
  kvWrites: 0,
  argon2: 0,
  sha256: 0,
  signatures: 0,
  verifications: 0,
  logLines: 0,
}

export const COST_NAMES = Object.keys(NO_COST) as (keyof Cost)[]

/** What the counting Worker answers: the response of the server, and what it cost. */
export interface CountedAnswer {
  status: number
  body: string
  /** What the response waited for. */
  before: Cost
  /** What was done without the caller waiting: audit writes, repairs of copies. */
  after: Cost
}

export function subtractCost(total: Cost, part: Cost): Cost {
  const difference = { ...NO_COST }
  for (const name of COST_NAMES) difference[name] = total[name] - part[name]
  return difference
}
