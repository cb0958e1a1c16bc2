import type { Format } from './import_file.ts'
import { flattenAuth0, flattenCognito, flattenKeycloak } from './preset_records.ts'

/** A public export format of another system. */
export interface Preset {
  name: string
  /** The export that the preset reads. */
  summary: string
  /** The file formats of the export. */
  formats: readonly Format[]
  /** The fields that each column fills. All other columns of the export are left out. */
  columns: Readonly<Record<string, readonly string[]>>
  /** The columns in order, if the export has no header line. */
  header?: readonly string[]
  /** The member of a JSON document that has the rows. */
  list?: string
  /** Flattens a nested record into columns. */
  flatten?: (record: Readonly<Record<string, unknown>>) => Record<string, unknown>
  /** Values that every row gets. */
  constants?: Readonly<Record<string, string>>
  /** The scheme of hashes that do not name their own; null if the export has no hashes. */
  hashScheme: string | null
}

const NAME = { first_name: ['given_name'], last_name: ['family_name'] }
const EMAIL_NAME = { email: ['username', 'email'] }

/** The columns up to the last one that is read. Some cells belong to sign-in by Google, Facebook and other providers. */
const FIREBASE_HEADER = [
  'localid',
  'email',
  'emailverified',
  'passwordhash',
  'salt',
  'displayname',
  'photourl',
  ...['google', 'facebook', 'twitter', 'github'].flatMap((provider) =>
    ['id', 'email', 'name', 'photo'].map((part) => `${provider}_${part}`),
  ),
  'createdat',
  'lastsignedinat',
  'phonenumber',
  'disabled',
]

export const PRESETS: readonly Preset[] = [
  {
    name: 'orocommerce',
    summary: 'the table oro_customer_user, with roles (migrating-from-orocommerce.md)',
    formats: ['csv', 'mysql', 'jsonl'],
    columns: {
      ...EMAIL_NAME,
      ...NAME,
      password: ['password_hash'],
      salt: ['salt'],
      enabled: ['enabled'],
      roles: ['roles'],
    },
    hashScheme: 'symfony-sha512',
  },
  {
    name: 'orocommerce-staff',
    summary: 'the table oro_user, with roles',
    formats: ['csv', 'mysql', 'jsonl'],
    columns: {
      username: ['username'],
      email: ['email'],
      ...NAME,
      password: ['password_hash'],
      salt: ['salt'],
      enabled: ['enabled'],
      roles: ['roles'],
    },
    hashScheme: 'symfony-sha512',
  },
  {
    name: 'magento',
    summary: 'Magento 2 and Adobe Commerce: Customers Main File, or the table customer_entity',
    formats: ['csv', 'mysql', 'jsonl'],
    columns: {
      ...EMAIL_NAME,
      password_hash: ['password_hash'],
      is_active: ['enabled'],
      firstname: ['given_name'],
      lastname: ['family_name'],
    },
    hashScheme: 'magento2',
  },
  {
    name: 'shopify',
    summary: 'customers as CSV',
    formats: ['csv'],
    columns: { ...EMAIL_NAME, 'first name': ['given_name'], 'last name': ['family_name'] },
    hashScheme: null,
  },
  {
    name: 'woocommerce',
    summary: 'WordPress and WooCommerce: wp user list --format=csv or json, or the table wp_users',
    formats: ['csv', 'json', 'mysql', 'jsonl'],
    columns: {
      user_login: ['username'],
      user_email: ['email'],
      user_pass: ['password_hash'],
      display_name: ['name'],
      roles: ['roles'],
    },
    hashScheme: 'wordpress',
  },
  {
    name: 'auth0',
    summary: 'the export of password hashes, as NDJSON',
    formats: ['jsonl'],
    columns: {
      ...EMAIL_NAME,
      email_verified: ['email_verified'],
      name: ['name'],
      passwordhash: ['password_hash'],
      blocked: ['disabled'],
    },
    flatten: flattenAuth0,
    hashScheme: 'bcrypt',
  },
  {
    name: 'cognito',
    summary: 'aws cognito-idp list-users, as JSON',
    formats: ['json'],
    list: 'Users',
    columns: {
      username: ['username'],
      email: ['email'],
      name: ['name'],
      given_name: ['given_name'],
      family_name: ['family_name'],
      locale: ['locale'],
      email_verified: ['email_verified'],
      enabled: ['enabled'],
    },
    flatten: flattenCognito,
    hashScheme: null,
  },
  {
    name: 'keycloak',
    summary: 'a realm, or its users, as JSON (kc.sh export)',
    formats: ['json'],
    list: 'users',
    columns: {
      username: ['username'],
      email: ['email'],
      emailverified: ['email_verified'],
      firstname: ['given_name'],
      lastname: ['family_name'],
      enabled: ['enabled'],
      realmroles: ['roles'],
      credential: ['password_hash'],
      mustchangepassword: ['must_change_password'],
    },
    flatten: flattenKeycloak,
    hashScheme: 'keycloak',
  },
  {
    name: 'firebase',
    summary: 'firebase auth:export, as JSON or CSV; --set gives rounds, memory_cost and salt_separator',
    formats: ['json', 'csv'],
    list: 'users',
    header: FIREBASE_HEADER,
    columns: {
      ...EMAIL_NAME,
      passwordhash: ['password_hash'],
      salt: ['salt'],
      emailverified: ['email_verified'],
      displayname: ['name'],
      disabled: ['disabled'],
    },
    hashScheme: 'firebase-scrypt',
  },
]
