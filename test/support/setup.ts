import { emptyStores } from './server.ts'

// The files share one runtime and its stores. An earlier file may have left clocks that run ahead, and revocations of all tokens.
await emptyStores()
