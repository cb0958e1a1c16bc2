import { EMAIL_RULE, isEmail } from '@sallyport/formats/email'
import * as z from 'zod/mini'
import { across } from './across.ts'
import { check, count, oneOf } from './checks.ts'
import { keyWithDefault, mapping, optionalKey, requiredKey, type ValuesOf } from './key.ts'
import { isServiceUrl } from './origin.ts'

const senderName = check(
  z
    .string('must be a name')
    .check(z.regex(/^[^\p{Cc}\p{Zl}\p{Zp}]{1,60}$/u, 'must be a name of 1 to 60 characters')),
  { bounds: '1 to 60 characters' },
)

const senderAddress = check(
  z.string(EMAIL_RULE).check(
    z.refine(isEmail, EMAIL_RULE),
    z.refine((address) => /^[\x21-\x7e]*$/.test(address), 'must have only ASCII characters'),
  ),
  { bounds: 'an email address in ASCII', unit: 'email address' },
)

const webhookUrl = check(
  z
    .string('must be a URL, such as https://mail.example.com/send')
    .check(
      z.refine(isServiceUrl, 'must be https, or http on a loopback address, without user, query or fragment'),
    ),
  {
    bounds: 'https, no user, query or fragment; http on a loopback address if the issuer is one',
    unit: 'URL',
  },
)

const keysOfSender = {
  name: requiredKey('name', { check: senderName, description: 'The name of the sender' }),
  address: requiredKey('address', {
    check: senderAddress,
    description: 'The address of the sender. Its domain needs the DNS records of the mail service',
  }),
}

const keysOfBudgets = {
  address: keyWithDefault('address', {
    check: count(1, 100, 'mails'),
    default: 5,
    description:
      'The requested mails to one address of a pool in an hour. Notifications have four times this number',
  }),
  sender: keyWithDefault('sender', {
    check: count(1, 100_000, 'mails'),
    default: 30,
    description:
      'The mails that one IPv4 address or IPv6 /64 can request in an hour. An IPv6 /56 has four times this number, a /48 16 times',
  }),
  client: keyWithDefault('client', {
    check: count(1, 1_000_000, 'mails'),
    default: 3000,
    description:
      'The mails that one client can request in an hour, in place of `sender`, if it authenticates by a secret or a key',
  }),
  pool: keyWithDefault('pool', {
    check: count(1, 10_000_000, 'mails'),
    default: 10_000,
    description: 'The mails that can be requested for a pool in an hour',
  }),
}

/** The largest number of mails in an hour, over all locations. */
export type MailBudgets = ValuesOf<typeof keysOfBudgets>

const keysOfMail = {
  from: requiredKey('from', { check: mapping(keysOfSender), description: 'The sender of each mail' }),
  driver: keyWithDefault('driver', {
    check: oneOf(['binding', 'webhook']),
    default: 'binding',
    description:
      'The way to the mail service: `binding` uses the binding `EMAIL` of Cloudflare, `webhook` sends a signed POST',
  }),
  url: optionalKey('url', {
    check: webhookUrl,
    absent: 'no webhook',
    description: 'With the driver `webhook`, the URL that gets each mail',
  }),
  budgets: keyWithDefault('budgets', {
    check: mapping(keysOfBudgets),
    default: {},
    description: 'The largest number of mails in an hour, for all locations together',
  }),
}

/** The sender of mails, and the way to the mail service. */
export type MailSettings = ValuesOf<typeof keysOfMail>

const mail = mapping(keysOfMail, [
  across(
    ({ driver, url }) => driver !== 'webhook' || url !== undefined,
    'url',
    'must be set with the driver webhook',
  ),
  across(
    ({ driver, url }) => driver !== 'binding' || url === undefined,
    'url',
    'must be absent with the driver binding',
  ),
])

export const mailKeys = {
  mail: optionalKey('mail', {
    check: mail,
    absent: 'no mails',
    description: 'Mails to users ([mail.md](mail.md))',
  }),
}
