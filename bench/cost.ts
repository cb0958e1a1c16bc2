/** What a request makes the stores and the cryptography do. */
export interface Cost {
  /** Round trips to D1: a statement that is run, or a batch. */
  d1Calls: number
  /** Statements that read, alone or in a batch. */
  d1Reads: number
  d1Writes: number
  kvReads: number
  kvWrites: number
  /** Password hashes. */
  argon2: number
  sha256: number
  signatures: number
  /** Signatures that were verified. */
  verifications: number
}

export const NO_COST: Readonly<Cost> = {
  d1Calls: 0,
  d1Reads: 0,
  d1Writes: 0,
  kvReads: 0,
  kvWrites: 0,
  argon2: 0,
  sha256: 0,
  signatures: 0,
  verifications: 0,
}

export const COST_NAMES = Object.keys(NO_COST) as (keyof Cost)[]

/** What the counting Worker answers: the answer of the server, and what it cost. */
export interface CountedAnswer {
  status: number
  body: string
  /** What the answer waited for. */
  before: Cost
  /** What was done without the caller waiting: audit writes, repairs of copies. */
  after: Cost
}

export function subtractCost(total: Cost, part: Cost): Cost {
  const difference = { ...NO_COST }
  for (const name of COST_NAMES) difference[name] = total[name] - part[name]
  return difference
}
