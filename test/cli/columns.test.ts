import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { clientRows } from '../../packages/cli/src/import/client_rows.ts'
import { ColumnPlan, type ColumnRules, PLAIN_RULES } from '../../packages/cli/src/import/column_plan.ts'
import { type Format, readRows } from '../../packages/cli/src/import/import_file.ts'
import { NULL_MARKERS } from '../../packages/cli/src/import/null_markers.ts'
import { userRows } from '../../packages/cli/src/import/user_rows.ts'

const directory = mkdtempSync(join(tmpdir(), 'sallyport-'))
const USER_FIELDS = userRows({}).columns
const CLIENT_FIELDS = clientRows('storefront').columns

interface ReadOptions {
  format?: Format
  delimiter?: string
  rules?: Partial<ColumnRules>
  fields?: typeof USER_FIELDS
}

/** The values of a file by field, or the problem of the row. */
async function read(
  content: string,
  { format = 'csv', delimiter, rules = {}, fields = USER_FIELDS }: ReadOptions = {},
) {
  const path = join(directory, `rows.${format}`)
  writeFileSync(path, content)
  const plan = new ColumnPlan(fields, { ...PLAIN_RULES, ...rules })
  const rows: unknown[] = []
  for await (const row of readRows({ path, format, delimiter: delimiter ?? null, plan })) {
    rows.push('problems' in row ? row.problems.join('; ') : row.values)
  }
  return rows
}

/** A file of one row, with a value in one column. */
const WRITERS: readonly { format: Format; write: (column: string, value: string) => string }[] = [
  { format: 'csv', write: (column, value) => `other,${column}\nx,"${value}"\n` },
  { format: 'mysql', write: (column, value) => `other\t${column}\nx\t${value}\n` },
  { format: 'jsonl', write: (column, value) => JSON.stringify({ other: 'x', [column]: value }) },
  { format: 'json', write: (column, value) => JSON.stringify([{ other: 'x', [column]: value }]) },
]

const ALL_COLUMNS = [
  ...USER_FIELDS.map((column) => ({ kind: 'user', column, fields: USER_FIELDS })),
  ...CLIENT_FIELDS.map((column) => ({ kind: 'client', column, fields: CLIENT_FIELDS })),
]

describe('a NULL marker', () => {
  it.each(
    ALL_COLUMNS.map(({ kind, column, fields }) => ({
      name: `${kind}.${column.name}`,
      column: column.name,
      fields,
    })),
  )('a NULL marker is an absent value in every format: $name', async ({ column, fields }) => {
    for (const { format, write } of WRITERS) {
      for (const marker of NULL_MARKERS) {
        const rows = await read(write(column, marker), { format, fields, rules: { ignore: ['other'] } })
        expect(rows, `${marker} in ${format}`).toEqual([{}])
      }
    }
  })

  it.each(
    ALL_COLUMNS.filter(({ column }) => column.isList).map(({ kind, column, fields }) => ({
      name: `${kind}.${column.name}`,
      column: column.name,
      fields,
    })),
  )('a NULL marker is no item of a list: $name', async ({ column, fields }) => {
    for (const { format, write } of WRITERS) {
      for (const marker of NULL_MARKERS.filter((text) => format !== 'csv' || !text.includes('\\'))) {
        const rows = await read(write(column, `a|${marker}`), {
          format,
          fields,
          rules: { ignore: ['other'] },
        })
        expect(rows, `${marker} in ${format}`).toEqual([
          `${column}: has the item "${marker}", which stands for NULL (--null)`,
        ])
      }
    }
  })

  it('the import refuses a NULL marker in a JSON list, and reads JSON null as an absent value', async () => {
    const text = '{"username":"a","roles":["x","NULL"]}\n{"username":"b","name":null,"roles":null}'
    expect(await read(text, { format: 'jsonl' })).toEqual([
      'roles: has the item "NULL", which stands for NULL (--null)',
      { username: 'b' },
    ])
  })

  it('--null replaces the marker, so that the import accepts a user named NULL', async () => {
    const text = 'username,name\nNULL,none\n'
    expect(await read(text)).toEqual([{ name: 'none' }])
    expect(await read(text, { rules: { nulls: ['none'] } })).toEqual([{ username: 'NULL' }])
    expect(await read(text, { rules: { nulls: [''] } })).toEqual([{ username: 'NULL', name: 'none' }])
  })

  it('the import keeps a text that only contains the marker', async () => {
    const text = 'username,name\nnullify,Ann NULL\n'
    expect(await read(text)).toEqual([{ username: 'nullify', name: 'Ann NULL' }])
  })
})

describe('a backslash in a cell of CSV', () => {
  const TEXT = 'username,name,password_hash\nSHOP\\ann,\\N,x\n'
  const PROBLEM =
    'username: has a backslash (--format mysql where it begins an escape, --backslash-is-text where it is text)'

  it('the import refuses the row unless the command line defines the backslash', async () => {
    expect(await read(TEXT)).toEqual([PROBLEM])
    const rules = { isBackslashText: true }
    expect(await read(TEXT, { rules })).toEqual([{ username: 'SHOP\\ann', password_hash: 'x' }])
  })

  it.each(USER_FIELDS.map(({ name }) => name))(
    'the import never reads a backslash as part of %s',
    async (column) => {
      expect(await read(`${column}\n"O\\'Neil"\n`)).toEqual([PROBLEM.replace('username', column)])
    },
  )

  it('the import accepts a backslash in an ignored column', async () => {
    const rules = { ignore: ['note'] }
    expect(await read('username,note\nann,a\\b\n', { rules })).toEqual([{ username: 'ann' }])
  })
})

describe('a file with backslash escapes (--format mysql)', () => {
  it('the import reads \\N as an absent value, and decodes the other escapes', async () => {
    const text = [
      'username\tname\tsalt',
      "O\\'Neil\t\\N\ta\\tb\\\\c",
      'NULL\tsays "hi"\tend\\\nof\\n\\Z\\0\\b\\r\\%',
      'last\\r\t\\N\t\\r',
    ]
    expect(await read(text.join('\n'), { format: 'mysql' })).toEqual([
      { username: "O'Neil", salt: 'a\tb\\c' },
      { name: 'says "hi"', salt: 'end\nof\n\u001A\0\b\r%' },
      { username: 'last\r', salt: '\r' },
    ])
  })

  it('the import reads another delimiter with quoted cells (FIELDS OPTIONALLY ENCLOSED BY)', async () => {
    const text = 'username,name\r\n"a,b","says \\"hi\\" and ""ho"""\r\n"c",\\N\r\n'
    expect(await read(text, { format: 'mysql', delimiter: ',' })).toEqual([
      { username: 'a,b', name: 'says "hi" and "ho"' },
      { username: 'c' },
    ])
  })

  it.each([
    ['username,name\n"a,b\n', 'a quote of the row in line 2 is never closed'],
    [`username\n${'x'.repeat(70_000)}\n`, 'the row in line 2 is too long'],
    ['', 'is empty: its first line must name the columns'],
  ])('the import refuses the whole file if one escape is malformed', async (text, message) => {
    await expect(read(text, { format: 'mysql', delimiter: ',' })).rejects.toThrow(message)
  })
})

describe('a JSON document', () => {
  it('the import reads the rows of a list and the line number of each row', async () => {
    const text =
      '[\n  {"username":"a [1]","roles":["x","y"]},\n\n  {"username":"b\\"}{","enabled":false}\n]\n'
    expect(await read(text, { format: 'json' })).toEqual([
      { username: 'a [1]', roles: ['x', 'y'] },
      { username: 'b"}{', enabled: false },
    ])
    expect(await read('[]', { format: 'json' })).toEqual([])
    expect(await read('[1,{"username":"a"}]', { format: 'json' })).toEqual([
      'is not a JSON object',
      { username: 'a' },
    ])
  })

  it.each([
    ['{"users":[]}', 'it is not a JSON list'],
    ['[{"username":"a"}', 'is incomplete: it is not JSON'],
    [`[{"username":"${'x'.repeat(70_000)}"}]`, 'the item in line 1 is too long'],
    ['[{"nobody":1}]', 'Columns of line 1:\n  "nobody" is not known'],
  ])('the import refuses a malformed document as a whole: %#', async (text, message) => {
    await expect(read(text, { format: 'json' })).rejects.toThrow(message)
  })
})

describe('the columns of a file', () => {
  it('--map assigns a column to one or more fields, and --ignore skips a column', async () => {
    const rules = {
      map: ['E-Mail=username', 'e-mail=email', 'a=b=name'],
      ignore: ['Note'],
      set: ['roles=buyer'],
    }
    const text = 'e-mail,note,A=B,roles\nann@x.test,secret,Ann,\nbob@x.test,,Bob,vip\n'
    expect(await read(text, { rules })).toEqual([
      { username: 'ann@x.test', email: 'ann@x.test', name: 'Ann', roles: 'buyer' },
      { username: 'bob@x.test', email: 'bob@x.test', name: 'Bob', roles: 'vip' },
    ])
  })

  it('the error names each unknown column and the options that fix it', async () => {
    const error = await read('user_name,passwrd,colour\na,b,c\n').catch((thrown: Error) => thrown.message)
    expect(error).toBe(
      [
        'Columns of the first line:',
        `  "user_name" is not known; did you mean "username"? (--map 'user_name=username' or --ignore 'user_name')`,
        `  "passwrd" is not known; did you mean "password"? (--map 'passwrd=password' or --ignore 'passwrd')`,
        `  "colour" is not known (--map 'colour=FIELD' or --ignore 'colour')`,
        `Columns are: ${USER_FIELDS.map(({ name }) => name).join(', ')}.`,
      ].join('\n'),
    )
  })

  it.each([
    [{ map: ['mail=username'] }, 'Columns of the first line:\n  "mail" of --map or --ignore is missing'],
    [{ ignore: ['note'] }, '"note" of --map or --ignore is missing'],
    [{ map: ['email=username'] }, '"username" and "email" both fill username'],
  ])('the import reports an error if the rules do not fit the columns: %j', async (rules, message) => {
    await expect(read('username,email\na,b\n', { rules })).rejects.toThrow(message)
  })

  it.each([
    [
      { map: ['mail=usernam'] },
      '--map: there is no field "usernam"; did you mean "username"? Fields are: pool, ',
    ],
    [{ map: ['mail'] }, '--map must be COLUMN=FIELD'],
    [{ set: ['colour=red'] }, '--set: there is no field "colour"'],
    [{ set: ['pool'] }, '--set must be FIELD=VALUE'],
  ])('a malformed rule for columns is an error of the command line: %j', async (rules, message) => {
    await expect(read('username\na\n', { rules })).rejects.toThrow(message)
  })

  it('the error names the line of a JSON row with an unknown column', async () => {
    const text = '{"username":"a"}\n{"username":"b","pasword":"p"}\n'
    await expect(read(text, { format: 'jsonl' })).rejects.toThrow(
      'Columns of line 2:\n  "pasword" is not known',
    )
  })
})
