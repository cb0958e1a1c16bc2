import * as z from 'zod/mini'
import { findLogoProblem } from '../lib/page_links.ts'
import { link, storedLink, uriSchema } from './client_field_schemas.ts'
import { defineField } from './define_field.ts'

/** The fields of a client that pages show to users: its logo and its links. */
export const PAGE_FIELDS = {
  logoUri: defineField('logo_uri', {
    kind: 'text',
    label: 'Logo',
    description:
      'Logo on the consent page: a data URI of a PNG, SVG or WebP image of up to 8192 characters, or a path of this server, such as /logos/partner.svg',
    input: z.nullable(uriSchema(findLogoProblem)),
    stored: storedLink,
    isEditable: true,
    section: 'browser',
    defaultOf: () => null,
  }),
  clientUri: defineField('client_uri', {
    kind: 'text',
    label: 'Home page',
    description: 'https URL of the home page of the client',
    input: link,
    stored: storedLink,
    isEditable: true,
    section: 'browser',
    defaultOf: () => null,
  }),
  policyUri: defineField('policy_uri', {
    kind: 'text',
    label: 'Privacy policy',
    description: 'https URL of the privacy policy of the client',
    input: link,
    stored: storedLink,
    isEditable: true,
    section: 'browser',
    defaultOf: () => null,
  }),
  tosUri: defineField('tos_uri', {
    kind: 'text',
    label: 'Terms of service',
    description: 'https URL of the terms of service of the client',
    input: link,
    stored: storedLink,
    isEditable: true,
    section: 'browser',
    defaultOf: () => null,
  }),
}
