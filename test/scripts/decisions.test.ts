import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const FOLDER = 'docs/decisions'
const STATUS = /^Status: (accepted|amended|superseded)\b(?:[^\n]|\n(?!\n))*/m
const LINK = /\[(\d{4})\]\(([^)]+)\)/g

const decisions = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.md'))
  .sort()
  .map((file) => {
    const text = readFileSync(`${FOLDER}/${file}`, 'utf8')
    const [status = '', word = ''] = STATUS.exec(text) ?? []
    const links = [...status.matchAll(LINK)].map(([, number = '', target = '']) => ({ number, target }))
    return { file, number: file.slice(0, 4), title: text.split('\n', 1)[0] ?? '', word, links }
  })

describe('the decision records', () => {
  it('each decision record has a unique number at the beginning of its title', () => {
    expect(new Set(decisions.map(({ number }) => number)).size).toBe(decisions.length)
    const misnamed = decisions.filter(({ number, title }) => !title.startsWith(`# ${number}: `))
    expect(misnamed.map(({ file }) => file)).toEqual([])
  })

  it('each decision record has a status', () => {
    expect(decisions.filter(({ word }) => word === '').map(({ file }) => file)).toEqual([])
  })

  it('an amended or superseded decision record names the later decision', () => {
    const unnamed = decisions
      .filter(({ word }) => word !== 'accepted')
      .filter(({ number, links }) => !links.some((link) => link.number > number))
    expect(unnamed.map(({ file }) => file)).toEqual([])
  })

  it('the status of a decision record links only to existing decisions', () => {
    const broken = decisions
      .flatMap(({ file, links }) => links.map((link) => ({ file, ...link })))
      .filter(({ number, target }) => !target.startsWith(number) || !existsSync(`${FOLDER}/${target}`))
    expect(broken).toEqual([])
  })
})
