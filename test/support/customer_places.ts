import { afterAll, beforeAll, describe } from 'vitest'
import { TestServer } from './server.ts'
import { IN_FURTHER_DATABASES } from './user_databases.ts'

/** The place of the customers of a test, and the keys of config.yml that select it. */
interface CustomerPlace {
  name: string
  config: Record<string, unknown>
}

/** Every place. The same tests run against each. test/users has the tests of users in several databases. */
export const CUSTOMER_PLACES: readonly CustomerPlace[] = [
  { name: 'the main database', config: {} },
  { name: 'two further databases', config: IN_FURTHER_DATABASES },
]

/** A block of tests for each place of customers. Each `TestServer` that a test creates has its customers there. */
export function describeCustomers(name: string, tests: (place: CustomerPlace) => void): void {
  describePlaces(CUSTOMER_PLACES, name, tests)
}

/** The same for places with further members. `beforeAll` of the block finds the configuration too. */
export function describePlaces<T extends CustomerPlace>(
  places: readonly T[],
  name: string,
  tests: (place: T) => void,
): void {
  describe.each(places)(`${name}, with customers in $name`, (place) => {
    beforeAll(() => {
      TestServer.defaults = place.config
    })

    afterAll(() => {
      TestServer.defaults = {}
    })

    tests(place)
  })
}
