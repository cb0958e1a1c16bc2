import * as z from 'zod/mini'

export const DAY = 86_400

export const lifetime = (min: number, max: number) =>
  z
    .int(`must be a whole number of seconds from ${min} to ${max}`)
    .check(z.gte(min, `must be at least ${min} seconds`), z.lte(max, `must be at most ${max} seconds`))

export const count = (min: number, max: number) =>
  z
    .int('must be a whole number')
    .check(z.gte(min, `must be at least ${min}`), z.lte(max, `must be at most ${max}`))

export const days = (min: number, max: number) =>
  z
    .int('must be a whole number of days')
    .check(z.gte(min, `must be at least ${min} days`), z.lte(max, `must be at most ${max} days`))
