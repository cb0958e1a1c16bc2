import { describe, expect, it } from 'vitest'
import { LANGUAGES } from '../../src/lib/language.ts'
import { packTexts, unpackTexts } from '../../src/lib/text_table.ts'
import { MAIL_TEXTS } from '../../src/mail/languages/mail_texts.ts'
import { FACTOR_CHANGES, MAIL_KINDS, type Mail, type MailKind } from '../../src/mail/mail.ts'
import { type RenderedMail, renderMail } from '../../src/mail/render_mail.ts'
import { exampleOf } from '../support/mail_examples.ts'
import { MAIL } from '../support/mail_sink.ts'
import { BACKOFFICE_AUDIENCE, STOREFRONT_AUDIENCE, TestServer } from '../support/server.ts'

const KINDS = Object.keys(MAIL_KINDS) as MailKind[]
// A straight quote, three full stops, or a space that lets a line begin with a punctuation mark.
const TYPEWRITER = /['"]|\.\.\.| [?!:;»]|« /
const PNG = 'data:image/png;base64,iVBORw0KGgo='

const serverWith = (branding?: Record<string, unknown>) =>
  new TestServer({
    config: {
      mail: MAIL,
      apis: {
        storefront: { audience: STOREFRONT_AUDIENCE, users: 'customers', branding },
        backoffice: { audience: BACKOFFICE_AUDIENCE, users: 'staff' },
      },
    },
  })

function render(mail: Mail, server = serverWith({ name: 'Bread & <Butter>' })): RenderedMail {
  const { apis } = server.config
  const { language } = mail
  const texts = unpackTexts(MAIL_TEXTS.en, packTexts(MAIL_TEXTS[language]))
  return renderMail({ id: 'msg_1', queuedAt: 1, mail }, { apis, mail: MAIL }, { language, texts })
}

describe('the texts of mails', () => {
  it.each(LANGUAGES)('each kind of mail has a text and an HTML document in the language %s', (language) => {
    for (const kind of KINDS) {
      const mail = exampleOf(kind, { language })
      const { subject, text, html } = render(mail)
      const place = `${kind} ${language}`
      expect(subject, place).toBe(MAIL_TEXTS[language].kinds[kind].subject('Bread & <Butter>'))
      expect(subject, place).not.toMatch(/\p{Cc}/u)
      expect(text, place).toContain('Bread & <Butter>')
      expect(html, place).toContain(`<html lang="${language}">`)
      expect(html, place).toContain('Bread &amp; &lt;Butter&gt;')
      expect(html, place).not.toMatch(/<Butter>|\bundefined\b|\bnull\b|<script| src="http/)
      for (const link of linksOf(mail)) {
        expect(text.split('\n'), place).toContain(link)
        expect(html, place).toContain(`<a href="${link.replaceAll('&', '&amp;')}"`)
      }
    }
  })

  it('each notification has the link that ends all sessions, and each requested mail says that it can be ignored', () => {
    for (const kind of KINDS) {
      const { text } = render(exampleOf(kind))
      const isNotification = MAIL_KINDS[kind].budget === 'notification' && kind !== 'invitation'
      expect(text.includes('/end-sessions?token=c'), kind).toBe(isNotification)
      expect(text.includes('you can ignore it'), kind).toBe(!isNotification)
    }
  })

  it('the mail of a code after the right password says in each language that another person may know the password', () => {
    const texts = LANGUAGES.map((language) => {
      const mail = { ...exampleOf('email_code', { language }), isAfterPassword: true }
      const [before, after] = [exampleOf('email_code', { language }), mail].map((each) =>
        render(each).text.split('\n'),
      )
      return after?.filter((line) => !before?.includes(line)).join(' ')
    })
    expect(texts[0]).toBe(
      'If you did not just type your password, another person knows it. Choose a new password.',
    )
    expect(new Set(texts).size).toBe(LANGUAGES.length)
  })

  it('each language has its own texts', () => {
    for (const language of LANGUAGES.filter((other) => other !== 'en')) {
      const own = JSON.stringify(KINDS.map((kind) => render(exampleOf(kind, { language })).text))
      for (const kind of KINDS) {
        const { text } = MAIL_TEXTS.en.kinds[kind]
        expect(own, `${kind} ${language}`).not.toContain(text('Bread & <Butter>'))
      }
    }
  })

  it.each(LANGUAGES)('the mails in the language %s have typographic quotes and spaces', (language) => {
    const texts = KINDS.flatMap((kind) => {
      const { subject, text } = render(exampleOf(kind, { language }), serverWith({ name: 'Shop' }))
      return [subject, ...text.split('\n').filter((line) => !line.startsWith('http'))]
    })
    expect(texts.filter((text) => TYPEWRITER.test(text))).toEqual([])
  })

  it.each([
    ['pl', /serwis(ie|u) Shop/g],
    ['uk', /сервіс[іу] Shop/g],
  ] as const)(
    'the mails in the language %s have the name after a noun, because they do not decline it',
    (language, noun) => {
      const texts = Object.values(MAIL_TEXTS[language].kinds).flatMap((kind) => [
        kind.subject('Shop'),
        kind.text('Shop'),
      ])
      expect(texts.map((text) => text.replaceAll(noun, '')).filter((text) => text.includes('Shop'))).toEqual(
        [],
      )
    },
  )

  it('the text of a code has the code on a line of its own, its lifetime, and no code in the subject', () => {
    expect(render(exampleOf('email_code'))).toMatchObject({
      to: 'zoe@example.com',
      from: MAIL.from,
      subject: 'Your code for Bread & <Butter>',
      text: [
        'Enter this code at Bread & <Butter>. Never tell it to another person, not even to Bread & <Butter>.',
        '042519',
        'The code works once, for 10 minutes.',
        'If you did not request this mail, you can ignore it. Nothing changes without you.',
        '-- \nBread & <Butter>\n',
      ].join('\n\n'),
    })
  })

  it('a notification of a sign-in names time, device and country', () => {
    expect(render(exampleOf('new_device', { language: 'de' })).text).toContain(
      'Zeit: 29. November 2026 um 16:30 UTC\nGerät: Firefox on Linux\nLand: Deutschland\n',
    )
    // Cloudflare's code for Tor is not a country.
    expect(render(exampleOf('more_needed')).text).toContain(
      'Time: November 29, 2026 at 4:30 PM UTC\nCountry: T1\n',
    )
  })

  it('a notification names each change of the ways to sign in', () => {
    const texts = FACTOR_CHANGES.map((change) => {
      const mail = exampleOf('factor_changed') as Extract<Mail, { kind: 'factor_changed' }>
      return render({ ...mail, change }).text.split('\n\n')[1]
    })
    expect(new Set(texts).size).toBe(FACTOR_CHANGES.length)
    expect(texts[1]).toBe('The authenticator app was removed.')
  })

  it('a mail has the branding of its API, otherwise that of the pool, otherwise the name of the sender', () => {
    const colors = { light: '#0a5c36', dark: '#6FD3A0' }
    const links = { privacy: 'https://shop.test/privacy' }
    const server = serverWith({ name: 'Own Shop', logo: PNG, colors, links })
    for (const api of ['storefront', null, 'removed']) {
      const { subject, html, text } = render(exampleOf('token_theft', { api }), server)
      expect(subject).toBe('A session of your account at Own Shop was ended')
      expect(html).toContain(`<img src="${PNG}" alt=""`)
      expect(html).toContain('background:#0a5c36;')
      expect(html).toContain('<a href="https://shop.test/privacy"')
      expect(text).toContain('-- \nOwn Shop\nPrivacy: https://shop.test/privacy\n')
    }
    expect(
      render({ ...exampleOf('token_theft', { api: 'backoffice' }), pool: 'staff' }, server).subject,
    ).toBe('A session of your account at Corner Shop was ended')
  })

  it('a mail loads no logo from a host, and no SVG', () => {
    for (const logo of ['/logos/shop.png', 'data:image/svg+xml;base64,PHN2Zy8+'])
      expect(render(exampleOf('token_theft'), serverWith({ logo })).html).not.toContain('<img')
  })
})

function linksOf(mail: Mail): string[] {
  return [
    ...('link' in mail && mail.link !== null ? [mail.link] : []),
    ...('endSessionsLink' in mail ? [mail.endSessionsLink] : []),
  ]
}
