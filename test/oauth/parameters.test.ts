import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { splitOnce } from '../../src/lib/split_once.ts'
import { malformedRequest, missingParameter, notAString, OAuthError } from '../../src/oauth/errors.ts'
import { Parameters, parseFormParameters, parseJsonParameters } from '../../src/oauth/parameters.ts'

const REPEATED = malformedRequest('repeated_parameter')
const NOT_JSON = malformedRequest('not_json')
const NOT_AN_OBJECT = malformedRequest('not_an_object')
const NOT_A_FORM = malformedRequest('not_a_form')

const PARSERS = { JSON: parseJsonParameters, 'a form': parseFormParameters }

/** Values with any text, and unique names. */
const entries = fc.uniqueArray(
  fc.tuple(fc.string({ unit: 'binary', minLength: 1 }), fc.string({ unit: 'binary' })),
  { selector: ([name]) => name },
)

describe('parameters', () => {
  const parameters = new Parameters(
    new Map([
      ['scope', ' '],
      ['username', ''],
    ]),
  )

  it('a parameter is found by its name, and an empty parameter is absent (RFC 6749 §3.1)', () => {
    expect(parameters.find('scope')).toBe(' ')
    expect(parameters.find('username')).toBe(null)
    expect(parameters.find('password')).toBe(null)
  })

  it('the refusal names the missing parameter', () => {
    expect(parameters.require('scope')).toBe(' ')
    for (const missing of ['username', 'password', 'toString']) {
      expect(() => parameters.require(missing)).toThrow(missingParameter(missing))
    }
  })
})

describe('JSON and forms', () => {
  it('every text survives encoding and parsing', () => {
    fc.assert(
      fc.property(entries, (written) => {
        // In an object literal `__proto__` has a special meaning.
        const members = written.map((entry) => entry.map((text) => JSON.stringify(text)).join(':'))
        const read = [
          parseJsonParameters(`{${members.join(',')}}`),
          parseFormParameters(new URLSearchParams(written).toString()),
        ]
        for (const [name, value] of written) {
          if (name === 'resource') continue
          expect(read.map((parameters) => parameters.find(name))).toEqual([value || null, value || null])
        }
      }),
    )
  })

  it.each(Object.entries(PARSERS))(
    'the parser returns parameters or throws a refusal: %s',
    (_name, parse) => {
      const attempt = (text: string) => {
        try {
          return parse(text)
        } catch (error) {
          return error
        }
      }
      fc.assert(
        fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => {
          const outcome = attempt(text)
          expect(outcome instanceof Parameters || outcome instanceof OAuthError).toBe(true)
        }),
      )
    },
  )
})

describe('JSON', () => {
  it.each([
    ['an empty object', '{}', null],
    ['quotes and backslashes', '{"scope":"\\"a\\\\"}', '"a\\'],
    ['escaped names', '{"\\u0073cope":"a"}', 'a'],
    ['names that objects have of themselves', '{"__proto__":"x","scope":"a","constructor":"y"}', 'a'],
    ['space around everything', ' { "scope" :\n"a" } ', 'a'],
  ])('JSON is read: %s', (_case, text, scope) => {
    expect(parseJsonParameters(text).find('scope')).toBe(scope)
  })

  it.each([
    ['no text', '', NOT_JSON],
    ['half an object', '{"scope":', NOT_JSON],
    ['a form', 'scope=a', NOT_JSON],
    ['two objects', '{}{}', NOT_JSON],
    ['a list', '["scope"]', NOT_AN_OBJECT],
    ['a string', '"scope"', NOT_AN_OBJECT],
    ['null', 'null', NOT_AN_OBJECT],
    ['a key twice', '{"scope":"a","scope":"b"}', REPEATED],
    ['a key twice with the same value', '{"scope":"a","scope":"a"}', REPEATED],
    ['a key twice, once escaped', '{"scope":"a","\\u0073cope":"b"}', REPEATED],
    ['a repeated key, first with a value that is not a string', '{"scope":1,"scope":"a"}', REPEATED],
    ['a key twice, first with an object', '{"scope":{"a":"b"},"scope":"a"}', REPEATED],
    ['a key twice, first with null', '{"scope":null,"scope":"a"}', REPEATED],
    ['a key twice that nothing reads', '{"x":{"y":[1,{}]},"scope":"a","x":1}', REPEATED],
    ['a resource as two keys', '{"resource":"https://a.example","resource":"https://b.example"}', REPEATED],
  ])('JSON is refused: %s', (_case, text, refusal) => {
    expect(() => parseJsonParameters(text)).toThrow(refusal)
  })
})

describe('the members of a JSON object', () => {
  const parameters = parseJsonParameters(
    '{"number":1,"flag":false,"list":["a"],"object":{"a":"b","a":"c"},"none":null,"scope":"a"}',
  )

  it.each(['number', 'flag', 'list', 'object'])(
    'reading a member that is not a string is refused: %s',
    (name) => {
      expect(() => parameters.find(name)).toThrow(notAString(name))
      expect(() => parameters.require(name)).toThrow(notAString(name))
    },
  )

  it('a member that is not read is ignored, with any type (RFC 6749 §3.2)', () => {
    expect(parameters.find('scope')).toBe('a')
  })

  it('a null member is absent', () => {
    expect(parameters.find('none')).toBe(null)
    expect(() => parameters.require('none')).toThrow(missingParameter('none'))
  })
})

describe('a parameter that may be repeated (RFC 8707 §2)', () => {
  it.each([
    ['a form without it', parseFormParameters('scope=a'), []],
    ['a form with an empty one', parseFormParameters('resource='), []],
    ['a form with one', parseFormParameters('resource=a'), ['a']],
    ['a form with three', parseFormParameters('resource=a&scope=x&resource=&resource=b'), ['a', 'b']],
    ['JSON without it', parseJsonParameters('{}'), []],
    ['JSON with null', parseJsonParameters('{"resource":null}'), []],
    ['JSON with a string', parseJsonParameters('{"resource":"a"}'), ['a']],
    ['JSON with a list', parseJsonParameters('{"resource":["a","","b",null]}'), ['a', 'b']],
    ['JSON with an empty list', parseJsonParameters('{"resource":[]}'), []],
  ])('a parameter that may be repeated (RFC 8707 §2) has all its values: %s', (_case, parameters, values) => {
    expect(parameters.findAll('resource')).toEqual(values)
  })

  it.each(['{"resource":1}', '{"resource":["a",1]}', '{"resource":{}}', '{"resource":[["a",["b"]]]}'])(
    'a value that is not a string is refused: %s',
    (text) => {
      expect(() => parseJsonParameters(text).findAll('resource')).toThrow(notAString('resource'))
    },
  )
})

describe('a form', () => {
  it.each([
    ['no text', '', null],
    ['a plus for a space', 'scope=a+b', 'a b'],
    ['a percent sequence', 'scope=a%20%2B%C3%A9', 'a +é'],
    ['an equals sign in the value', 'scope=a=b=', 'a=b='],
    ['a name without a value', 'scope', null],
    ['empty pairs', '&&scope=a&', 'a'],
    ['a semicolon, which separates nothing', 'scope=a;b=c', 'a;b=c'],
    ['an escaped name', '%73cope=a', 'a'],
  ])('a form is read: %s', (_case, text, scope) => {
    expect(parseFormParameters(text).find('scope')).toBe(scope)
  })

  it.each([
    ['half a percent sequence', 'scope=a%2', NOT_A_FORM],
    ['a percent sequence that is not hexadecimal', 'scope=%zz', NOT_A_FORM],
    ['a percent sequence that is not UTF-8', 'scope=%ff', NOT_A_FORM],
    ['a broken name', '%=a', NOT_A_FORM],
    ['a name twice', 'scope=a&scope=b', REPEATED],
    ['a name twice, once empty', 'scope=&scope=b', REPEATED],
    ['a name twice, once escaped', 'scope=a&%73cope=b', REPEATED],
  ])('a form is refused: %s', (_case, text, refusal) => {
    expect(() => parseFormParameters(text)).toThrow(refusal)
  })
})

describe('splitOnce', () => {
  it.each([
    ['a:b:c', ['a', 'b:c']],
    ['a', ['a', '']],
    [':b', ['', 'b']],
    ['a:', ['a', '']],
    ['', ['', '']],
  ])('splitOnce splits %j at the first separator', (text, halves) => {
    expect(splitOnce(text, ':')).toEqual(halves)
  })
})
