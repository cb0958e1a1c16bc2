import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { showLastUse } from '../../packages/cli/src/commands/output.ts'
import { formatCsv } from '../../packages/cli/src/core/csv.ts'
import { formatTable, wrap } from '../../packages/cli/src/core/table.ts'
import { type NumberedRow, toBatches } from '../../packages/cli/src/import/batches.ts'
import { clientRows } from '../../packages/cli/src/import/client_rows.ts'
import { ColumnPlan, type ColumnRules, PLAIN_RULES } from '../../packages/cli/src/import/column_plan.ts'
import { type Format, formatOf } from '../../packages/cli/src/import/import_file.ts'
import type { ImportKind } from '../../packages/cli/src/import/import_kind.ts'
import { type RowReports, readGoodRows, scan } from '../../packages/cli/src/import/scan.ts'
import { userRows } from '../../packages/cli/src/import/user_rows.ts'

const directory = mkdtempSync(join(tmpdir(), 'sallyport-'))

/** Reads a file. Returns the rows to send and the lines of the report. */
async function read(
  content: string | Buffer,
  { kind = userRows({ pool: 'customers' }), format = 'csv', delimiter = null, rules = {} }: ReadOptions = {},
) {
  const path = join(directory, `rows.${format}`)
  writeFileSync(path, content)
  const file = { path, format, delimiter, plan: new ColumnPlan(kind.columns, { ...PLAIN_RULES, ...rules }) }
  const refused: string[] = []
  const warned: string[] = []
  const report: RowReports = {
    refuse: ({ line, name, problems }) => refused.push(`${line} ${name}: ${problems.join('; ')}`),
    warn: ({ line, name, problems }) => warned.push(`${line} ${name}: ${problems.join('; ')}`),
  }
  const found = await scan(file, kind, report)
  const rows: { line: number; row: unknown }[] = []
  for await (const { line, row } of readGoodRows(file, kind, found)) rows.push({ line, row })
  return { count: found.count, rows, refused, ...(warned.length > 0 ? { warned } : {}) }
}

interface ReadOptions {
  kind?: ImportKind
  format?: Format
  delimiter?: string | null
  rules?: Partial<ColumnRules>
}

describe('a CSV file', () => {
  it('the reader accepts a byte order mark, CRLF, and quoted commas and line breaks (RFC 4180)', async () => {
    const text = '\uFEFFusername,password,name\r\n"a@x.test","p ""q"", r","Ann\r\nB"\r\nb@x.test,secret,\r\n'
    expect(await read(text)).toEqual({
      count: 2,
      refused: [],
      warned: ['2 a@x.test: name: a tab or line break was replaced by a space'],
      rows: [
        {
          line: 2,
          row: {
            pool: 'customers',
            username: 'a@x.test',
            password: 'p "q", r',
            profile: { name: 'Ann B' },
          },
        },
        { line: 4, row: { pool: 'customers', username: 'b@x.test', password: 'secret' } },
      ],
    })
  })

  it('the reader accepts another delimiter, empty lines, and columns in any order and case', async () => {
    const { rows } = await read('Password;USERNAME\n\npw;a\n\n', { delimiter: ';' })
    expect(rows).toEqual([{ line: 3, row: { pool: 'customers', username: 'a', password: 'pw' } }])
  })

  it('the reader refuses a row with too many or too few cells, and names its line', async () => {
    const { rows, refused } = await read('username,password\na,b,c\nd\ne,f\n')
    expect(refused).toEqual(['2 –: has 3 cells, and needs 2', '3 –: has 1 cells, and needs 2'])
    expect(rows).toHaveLength(1)
  })

  it('the reader refuses a second row with the same username in any spelling', async () => {
    const { rows, refused } = await read('username,password\nAnn,a\nbob,b\nANN,c\n')
    expect(refused).toEqual(['4 ANN: username: line 2 has the same'])
    expect(rows.map(({ line }) => line)).toEqual([2, 3])
  })

  it.each([
    [
      'user,password\n',
      "Columns of the first line:\n  \"user\" is not known (--map 'user=FIELD' or --ignore 'user')\nColumns are: pool, username, ",
    ],
    ['usernam,password\n', '"usernam" is not known; did you mean "username"?'],
    ['username,username\n', '"username" is given twice'],
    ['', 'is empty: its first line must name the columns'],
    [
      'username,password\n"a,b\n',
      'line 2: the file ends inside a quoted cell. Check the quotes and --delimiter.',
    ],
    [Buffer.from([0x75, 0xff, 0x0a]), 'is not UTF-8'],
  ])('the reader refuses a malformed file: %j', async (content, message) => {
    await expect(read(content)).rejects.toThrow(message)
  })

  const HASH_LINE = `amanda@example.com;$2y$10$${'C'.repeat(53)};0f1e2d3c4b5a69788796a5b4c3d2e1f0`

  it.each([
    ['username;password\na;b\n', {}, "use --delimiter ';'."],
    ['"username";"password"\n"a";"b"\n', {}, "Use --delimiter ';'."],
    ['username;password\n"a";"b"\n', {}, "line 2: text follows a closing quote. Use --delimiter ';'."],
    ['username\tpassword\n', {}, "use --delimiter $'\\t'."],
    ['username|password\n', { delimiter: ';' }, "use --delimiter '|'."],
    ['username,password\n', { format: 'mysql' }, "use --delimiter ','."],
    [`${HASH_LINE}\n`, {}, 'The first line names no known column.'],
    [`${HASH_LINE}\n`, { delimiter: ';' }, 'The first line names no known column.'],
    [`username;password_hash;x\n${HASH_LINE}\n`, {}, "use --delimiter ';'."],
    [`username,${HASH_LINE}\n`, {}, 'column 2 is not known'],
    [`username,password\na,${HASH_LINE}"x"\n`, {}, 'line 2: a quote is in a cell without quotes. Check'],
    [`username,password\n"a"${HASH_LINE},b\n`, {}, 'line 2: text follows a closing quote. Check'],
  ] as [string, ReadOptions, string][])(
    'a wrong delimiter is an error that contains no cell and suggests the right one: %#',
    async (text, options, message) => {
      const error = await read(text, options).catch((thrown: Error) => thrown.message)
      expect(error).toContain(message)
      expect(error).not.toMatch(/amanda|\$2y|0f1e/)
    },
  )

  it('the report of a row has all its problems, and one for each column', async () => {
    const { refused } = await read(
      'username,password_hash,roles,enabled,must_change_password\n,\\x,"NULL,r",maybe,perhaps\n',
      { kind: userRows({}) },
    )
    expect(refused).toEqual([
      `2 –: ${[
        'password_hash: has a backslash (--format mysql where it begins an escape, --backslash-is-text where it is text)',
        'roles: has the item "NULL", which stands for NULL (--null)',
        'pool: is required, unless the option --pool is given',
        'username: is required',
        'enabled: must be true or false',
        'must_change_password: must be true or false',
      ].join('; ')}`,
    ])
  })
})

describe('the values of a user in a file', () => {
  it('the import reports every value that the server would refuse, together with its own problems', async () => {
    const { refused } = await read(
      'username,password,roles,email,enabled\nzo\u2019e,p,a b,zoe@,perhaps\nzoe,p,a|b,ann@localhost,true\n',
    )
    expect(refused).toEqual([
      `2 zo\u2019e: ${[
        'username: the username has the character U+2019, which is not allowed',
        'roles: must be plain text of 1 to 64 characters, without spaces, commas and vertical bars',
        'enabled: must be true or false',
        'email: must be an email address, such as zoe@example.com',
      ].join('; ')}`,
    ])
  })
})

describe('a file of JSON lines', () => {
  it('the reader keeps texts, lists and booleans, and reads null as an absent value', async () => {
    const text =
      '{"username":"a","password":"p","roles":["x_y","z"],"enabled":false,"name":null}\n\n{"username":"b","password":"p"}'
    expect(await read(text, { format: 'jsonl' })).toEqual({
      count: 2,
      refused: [],
      rows: [
        {
          line: 1,
          row: { pool: 'customers', username: 'a', password: 'p', roles: ['x_y', 'z'], enabled: false },
        },
        { line: 3, row: { pool: 'customers', username: 'b', password: 'p' } },
      ],
    })
  })

  it('the reader refuses a line without an object or with wrong types, and names its number', async () => {
    const { refused } = await read('[]\n{\n{"username":true}\n{"username":"a","roles":5}\n', {
      format: 'jsonl',
    })
    expect(refused).toEqual([
      '1 –: is not a JSON object',
      '2 –: is not a JSON object',
      '3 true: username: must be text; password_hash: is required, unless the row has a password; --reset missing imports users without a password',
      '4 a: password_hash: is required, unless the row has a password; --reset missing imports users without a password; roles: must be a list',
    ])
  })

  it('the error names the line of an unknown member', async () => {
    const text = '{"username":"a"}\n{"username":"b","pasword":"p"}\n'
    await expect(read(text, { format: 'jsonl' })).rejects.toThrow(
      'Columns of line 2:\n  "pasword" is not known',
    )
  })
})

describe('a row of a user', () => {
  const HASH = Buffer.alloc(64, 7).toString('base64')
  const BCRYPT = `$2y$10$${'C'.repeat(53)}`

  it.each([
    [BCRYPT, 'bcrypt'],
    [BCRYPT.slice(0, 40), 'bcrypt'],
    ['$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA', 'argon2id'],
    ['$argon2i$v=19$m=19456', 'argon2i'],
    [`$6$rounds=5000$salt$${'x'.repeat(86)}`, '6'],
    ['{SSHA}bHEZDPxBKNjlQbNBWMPTHFl8HEVzYWx0', 'ldap'],
    ['$2 in my pocket', null],
    ['correct$horse$battery$staple$with$many$words', null],
    ['{curly} braces', null],
  ])('the reader refuses a hash in the column of plain passwords: %s', async (password, scheme) => {
    const { rows, refused } = await read(`username,password\na,"${password}"\n`)
    const hint = '--map password=password_hash imports it as a hash'
    expect(refused).toEqual(scheme === null ? [] : [`2 a: password: is a password hash (${scheme}); ${hint}`])
    expect(rows).toHaveLength(scheme === null ? 1 : 0)
  })

  it('a Symfony user has separate columns for hash, scheme, salt and iterations', async () => {
    const { rows, refused } = await read(
      `username,password_hash,hash_scheme,salt,iterations\na,${HASH},symfony-sha512,abc,\nb,${HASH},symfony-sha512,,17\nc,${BCRYPT},,abc,\nd,${HASH},,abc,5000\ne,short,symfony-sha512,abc,\n`,
    )
    const stored = HASH.replace(/=+$/, '')
    expect(rows.map(({ row }) => (row as { password_hash: string }).password_hash)).toEqual([
      `$symfony-sha512$i=5000$YWJj$${stored}`,
      `$symfony-sha512$i=17$$${stored}`,
      BCRYPT,
    ])
    expect(refused).toEqual([
      expect.stringMatching(
        /^5 d: password_hash: the hash does not name its scheme, and no scheme is given; name/,
      ),
      expect.stringMatching(
        /^6 e: password_hash: symfony-sha512: the hash is not 64 bytes in base64; export/,
      ),
    ])
  })

  it.each([
    ...([
      ['t', true],
      ['1', true],
      ['YES', true],
      ['f', false],
      ['0', false],
      ['no', false],
    ] as const),
  ])('the reader parses the database value %j of the enabled column', async (text, enabled) => {
    const { rows } = await read(`username,password,enabled\na,b,${text}\n`)
    expect(rows[0]?.row).toMatchObject({ enabled })
  })

  it('commas or bars separate the roles', async () => {
    const { rows } = await read('username,password,roles\na,p,"ROLE_A, ROLE_B"\nb,p,ROLE_A|ROLE_B\n')
    for (const { row } of rows) expect(row).toMatchObject({ roles: ['ROLE_A', 'ROLE_B'] })
  })

  it('the row or the command line names the pool of a user', async () => {
    const { refused } = await read('username,password\na,b\n', { kind: userRows({}) })
    expect(refused).toEqual(['2 a: pool: is required, unless the option --pool is given'])
  })

  it('the report names the username of a row with an invalid cell', async () => {
    const { refused } = await read('username,password_hash,roles\na,\\x,\nb,\\N,"NULL,r"\n')
    expect(refused).toEqual([
      expect.stringMatching(/^2 a: password_hash: has a backslash/),
      expect.stringMatching(/^3 b: roles: has the item "NULL"/),
    ])
  })
})

describe('a row of a client', () => {
  it('the reader refuses a row with the id or secret of another row', async () => {
    const secret = 'k'.repeat(40)
    const { rows, refused } = await read(
      `client_id,client_secret\na,${secret}\nb,${secret}\na,${'l'.repeat(40)}\nc,${'m'.repeat(40)}\n`,
      { kind: clientRows('storefront') },
    )
    expect(refused).toEqual([
      '3 b: client_secret: line 2 has the same',
      '4 a: client_id: line 2 has the same',
    ])
    expect(rows.map(({ line }) => line)).toEqual([2, 5])
  })

  it('the command generates a 256-bit secret for a confidential client without one', () => {
    const kind = clientRows('storefront')
    const row = kind.toRow({ client_id: 'a' }).row
    const sent = kind.complete(row)
    expect(sent.client_secret).toMatch(/^sps_[A-Za-z0-9_-]{43}$/)
    expect(kind.secretOf(sent, row)).toEqual({ client_id: 'a', client_secret: sent.client_secret })
    const [page, own] = [
      { client_id: 'b', confidential: 'f' },
      { client_id: 'c', client_secret: 'x'.repeat(32) },
    ]
    for (const values of [page, own].map((file) => kind.toRow(file).row)) {
      expect(kind.complete(values)).toBe(values)
      expect(kind.secretOf(values, values)).toBe(null)
    }
  })
})

describe('batches', () => {
  async function sizesOf(rows: Partial<NumberedRow>[]): Promise<number[]> {
    async function* all() {
      for (const row of rows) yield row as NumberedRow
    }
    const sizes: number[] = []
    for await (const batch of toBatches(all())) sizes.push(batch.length)
    return sizes
  }

  it('a batch has at most 100 rows, 20 plain passwords and a body within the limit', async () => {
    expect(await sizesOf(Array.from({ length: 250 }, () => ({ row: {} })))).toEqual([100, 100, 50])
    expect(await sizesOf(Array.from({ length: 45 }, () => ({ row: { password: 'p' } })))).toEqual([20, 20, 5])
    expect(await sizesOf(Array.from({ length: 5 }, () => ({ row: { name: 'x'.repeat(60_000) } })))).toEqual([
      1, 1, 1, 1, 1,
    ])
    expect(await sizesOf([])).toEqual([])
  })
})

describe('the format of a file', () => {
  it('the name of the file or an option determines the format', () => {
    expect([formatOf('a.CSV', undefined), formatOf('a.ndjson', undefined), formatOf('a', 'jsonl')]).toEqual([
      'csv',
      'jsonl',
      'jsonl',
    ])
    expect(() => formatOf('a.xlsx', undefined)).toThrow('--format must be one of csv, mysql, jsonl, json')
  })
})

describe('a table', () => {
  const columns = [
    { title: 'Name', show: ([name]: string[]) => name ?? '' },
    { title: 'What', show: ([, what]: string[]) => what ?? '' },
  ]

  it('the table aligns its columns and cuts the widest column to fit the width', () => {
    const rows = [
      ['a', 'short'],
      ['bbbb', 'a text that is longer than the rest'],
    ]
    expect(formatTable(rows, columns, Infinity)).toBe(
      'Name  What\na     short\nbbbb  a text that is longer than the rest',
    )
    expect(formatTable(rows, columns, 20)).toBe('Name  What\na     short\nbbbb  a text that i…')
  })

  it('a last use is precise to an hour', () => {
    const now = Math.floor(new Date('2026-11-25T10:59').getTime() / 1000)
    expect([null, now - 3599, now - 3600].map((at) => showLastUse(at, now))).toEqual([
      '–',
      'within the last hour',
      'about 2026-11-25 09:00',
    ])
  })

  it('the table never cuts times, and keeps eight characters of other columns', () => {
    const three = [...columns, { title: 'Ended', show: ([, , ended]: string[]) => ended ?? '' }]
    const rows = [
      ['a-long-identifier', 'a text of some length', '2026-01-02 03:04:05'],
      ['b', 'short', '–'],
    ]
    const narrow = `Name      What      Ended
a-long-…  a text …  2026-01-02 03:04:05
b         short     –`
    expect(formatTable(rows, three, 39)).toBe(narrow)
    expect(formatTable(rows, three, 20)).toBe(narrow)
  })

  it('CSV quotes cells (RFC 4180), leaves absent values empty, and makes formulas text', () => {
    const rows = [
      ['a,"b"', '–'],
      ['=HYPERLINK("http://x.test")', '+1 234'],
      ['@SUM(A1)', "-2+3+cmd|' /C calc'!A0"],
      ['-Rw3_x-id', 'two\nlines'],
    ]
    expect(formatCsv(rows, [...columns, { title: 'Last used', show: () => '–', toCell: () => '2026' }])).toBe(
      [
        'name,what,last-used',
        '"a,""b""",,2026',
        `"'=HYPERLINK(""http://x.test"")",'+1 234,2026`,
        "'@SUM(A1),'-2+3+cmd|' /C calc'!A0,2026",
        '-Rw3_x-id,"two\nlines",2026\r',
      ].join('\r\n'),
    )
  })

  it('the table aligns East Asian characters, emoji and combining marks by their width in cells', () => {
    const rows = [
      ['山田', 'x'],
      ['👍🏽', 'x'],
      ['e\u0301', 'x'],
      ['abcd', 'x'],
    ]
    expect(formatTable(rows, columns, Infinity)).toBe(
      'Name  What\n山田  x\n👍🏽    x\ne\u0301     x\nabcd  x',
    )
  })

  it('the table cuts a wide text between characters', () => {
    expect(formatTable([['a', '山田太郎商店様']], columns, 15)).toBe('Name  What\na     山田太郎…')
    expect(formatTable([['a', '山田太郎商店様']], columns, 16)).toBe('Name  What\na     山田太郎…')
    expect(formatTable([['a', '山田太郎商店様']], columns, 17)).toBe('Name  What\na     山田太郎商…')
  })

  it('the table replaces control characters, because they could move the cursor', () => {
    expect(formatTable([['\u001B[31m', 'a\nb\u202E']], columns, 80)).toBe('Name   What\n�[31m  a�b�')
  })

  it('the text wraps between words', () => {
    expect(wrap('one two three', 8)).toEqual(['one two', 'three'])
  })
})
