import type { MailTexts } from './en.ts'

/** The Dutch texts. They address the user as "je". */
export const nl: MailTexts = {
  kinds: {
    verify_sign_up: {
      subject: (name) => `Je code voor een nieuw account bij ${name}`,
      text: (name) =>
        `Vul deze code in bij ${name} om je account aan te maken. Deel de code met niemand anders, ook niet met ${name}.`,
    },
    address_has_account: {
      subject: (name) => `Je hebt al een account bij ${name}`,
      text: (name) =>
        `Er is een account bij ${name} aangevraagd met dit e-mailadres. Je hebt al een account, dus er is niets gewijzigd. Log in om het te gebruiken.`,
      action: 'Inloggen',
    },
    email_code: {
      subject: (name) => `Je code voor ${name}`,
      text: (name) => `Vul deze code in bij ${name}. Deel de code met niemand anders, ook niet met ${name}.`,
    },
    reset_password: {
      subject: (name) => `Kies een nieuw wachtwoord voor ${name}`,
      text: (name) => `Er is een nieuw wachtwoord aangevraagd voor je account bij ${name}.`,
      action: 'Nieuw wachtwoord kiezen',
    },
    confirm_new_address: {
      subject: (name) => `Bevestig je nieuwe e-mailadres voor ${name}`,
      text: (name) => `Bevestig dit e-mailadres om het voor je account bij ${name} te gebruiken.`,
      action: 'E-mailadres bevestigen',
    },
    address_changes: {
      subject: (name) => `Nieuw e-mailadres voor je account bij ${name}`,
      text: (name) =>
        `Er is een nieuw e-mailadres aangevraagd voor je account bij ${name}. Zodra het is bevestigd, gaan e-mails alleen nog naar het nieuwe adres.`,
    },
    address_changed: {
      subject: (name) => `Het e-mailadres van je account bij ${name} is gewijzigd`,
      text: (name) =>
        `Het e-mailadres van je account bij ${name} is gewijzigd. E-mails gaan alleen nog naar het nieuwe adres.`,
    },
    password_changed: {
      subject: (name) => `Je wachtwoord bij ${name} is gewijzigd`,
      text: (name) => `Het wachtwoord van je account bij ${name} is gewijzigd.`,
    },
    factor_changed: {
      subject: (name) => `Je manieren om in te loggen bij ${name} zijn gewijzigd`,
      text: (name) => `Dit gaat over je account bij ${name}.`,
    },
    new_device: {
      subject: (name) => `Er is ingelogd op je account bij ${name}`,
      text: (name) => `Je account bij ${name} is gebruikt op een nieuw apparaat of op een nieuwe plek.`,
    },
    token_theft: {
      subject: (name) => `Een sessie van je account bij ${name} is beëindigd`,
      text: (name) =>
        `Een sessie van je account bij ${name} is op twee plekken gebruikt en daarom beëindigd.`,
    },
    invitation: {
      subject: (name) => `Je account bij ${name}`,
      text: (name) =>
        `Er is een account bij ${name} voor je gemaakt. Kies een wachtwoord om het te gebruiken.`,
      action: 'Wachtwoord kiezen',
    },
    deletion_scheduled: {
      subject: (name) => `Je account bij ${name} wordt verwijderd`,
      text: (name) =>
        `De verwijdering van je account bij ${name} is aangevraagd. Als je voor die tijd inlogt, blijft het account bestaan.`,
    },
    deletion_cancelled: {
      subject: (name) => `Je account bij ${name} wordt niet verwijderd`,
      text: (name) => `Doordat er is ingelogd, wordt je account bij ${name} niet verwijderd.`,
    },
    more_needed: {
      subject: (name) => `Het inloggen op je account bij ${name} is niet voltooid`,
      text: (name) =>
        `Je wachtwoord bij ${name} is ingevuld, maar de tweede stap van het inloggen ontbreekt.`,
    },
  },
  changes: {
    totp_added: 'Er is een authenticator-app toegevoegd.',
    totp_removed: 'De authenticator-app is verwijderd.',
    passkey_added: 'Er is een passkey toegevoegd.',
    passkey_removed: 'Er is een passkey verwijderd.',
    recovery_codes_renewed: 'Er zijn nieuwe herstelcodes. De oude werken niet meer.',
    recovery_code_used: 'Er is een herstelcode gebruikt om in te loggen.',
  },
  linkLifetime: (duration) => `De link werkt één keer, gedurende ${duration}.`,
  codeLifetime: (duration) => `De code werkt één keer, gedurende ${duration}.`,
  deletion: (date) => `Datum van verwijdering: ${date}.`,
  notRequested: 'Heb je deze e-mail niet aangevraagd, dan kun je hem negeren. Zonder jou verandert er niets.',
  passwordKnown:
    'Heb je je wachtwoord niet zojuist ingevoerd, dan kent iemand anders het. Kies een nieuw wachtwoord.',
  notYou: 'Was jij dit niet, beëindig dan alle sessies en kies een nieuw wachtwoord.',
  endSessions: 'Alle sessies beëindigen',
  facts: { at: 'Tijd', device: 'Apparaat', country: 'Land' },
  links: { privacy: 'Privacy', terms: 'Voorwaarden', help: 'Hulp' },
}
