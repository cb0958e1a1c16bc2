import type { MailTexts } from './en.ts'

/** The German texts. They address the user as "Sie". */
export const de: MailTexts = {
  kinds: {
    verify_sign_up: {
      subject: (name) => `Ihr Code für ein neues Konto bei ${name}`,
      text: (name) =>
        `Geben Sie diesen Code bei ${name} ein, um Ihr Konto zu erstellen. Verraten Sie ihn keiner anderen Person, auch nicht ${name}.`,
    },
    address_has_account: {
      subject: (name) => `Sie haben bereits ein Konto bei ${name}`,
      text: (name) =>
        `Mit dieser E-Mail-Adresse wurde ein Konto bei ${name} angefordert. Sie haben bereits ein Konto, deshalb wurde nichts geändert. Melden Sie sich an, um es zu verwenden.`,
      action: 'Anmelden',
    },
    email_code: {
      subject: (name) => `Ihr Code für ${name}`,
      text: (name) =>
        `Geben Sie diesen Code bei ${name} ein. Verraten Sie ihn keiner anderen Person, auch nicht ${name}.`,
    },
    reset_password: {
      subject: (name) => `Neues Passwort für ${name} wählen`,
      text: (name) => `Für Ihr Konto bei ${name} wurde ein neues Passwort angefordert.`,
      action: 'Neues Passwort wählen',
    },
    confirm_new_address: {
      subject: (name) => `Bestätigen Sie Ihre neue E-Mail-Adresse für ${name}`,
      text: (name) => `Bestätigen Sie diese E-Mail-Adresse, um sie für Ihr Konto bei ${name} zu verwenden.`,
      action: 'E-Mail-Adresse bestätigen',
    },
    address_changes: {
      subject: (name) => `Neue E-Mail-Adresse für Ihr Konto bei ${name}`,
      text: (name) =>
        `Für Ihr Konto bei ${name} wurde eine neue E-Mail-Adresse angefordert. Sobald sie bestätigt ist, gehen E-Mails nur noch an die neue Adresse.`,
    },
    address_changed: {
      subject: (name) => `Die E-Mail-Adresse Ihres Kontos bei ${name} wurde geändert`,
      text: (name) =>
        `Die E-Mail-Adresse Ihres Kontos bei ${name} wurde geändert. E-Mails gehen nur noch an die neue Adresse.`,
    },
    password_changed: {
      subject: (name) => `Ihr Passwort bei ${name} wurde geändert`,
      text: (name) => `Das Passwort Ihres Kontos bei ${name} wurde geändert.`,
    },
    factor_changed: {
      subject: (name) => `Ihre Anmeldung bei ${name} wurde geändert`,
      text: (name) => `Das betrifft Ihr Konto bei ${name}.`,
    },
    new_device: {
      subject: (name) => `Neue Anmeldung bei Ihrem Konto bei ${name}`,
      text: (name) => `Ihr Konto bei ${name} wurde auf einem neuen Gerät oder an einem neuen Ort verwendet.`,
    },
    token_theft: {
      subject: (name) => `Eine Sitzung Ihres Kontos bei ${name} wurde beendet`,
      text: (name) =>
        `Eine Sitzung Ihres Kontos bei ${name} wurde an zwei Orten verwendet, deshalb wurde sie beendet.`,
    },
    invitation: {
      subject: (name) => `Ihr Konto bei ${name}`,
      text: (name) =>
        `Für Sie wurde ein Konto bei ${name} angelegt. Wählen Sie ein Passwort, um es zu verwenden.`,
      action: 'Passwort wählen',
    },
    deletion_scheduled: {
      subject: (name) => `Ihr Konto bei ${name} wird gelöscht`,
      text: (name) =>
        `Die Löschung Ihres Kontos bei ${name} wurde angefordert. Wenn Sie sich vorher anmelden, bleibt das Konto bestehen.`,
    },
    deletion_cancelled: {
      subject: (name) => `Ihr Konto bei ${name} wird nicht gelöscht`,
      text: (name) => `Eine Anmeldung hat die Löschung Ihres Kontos bei ${name} abgebrochen.`,
    },
    more_needed: {
      subject: (name) => `Eine Anmeldung bei Ihrem Konto bei ${name} ist unvollständig`,
      text: (name) =>
        `Ihr Passwort bei ${name} wurde eingegeben, aber der zweite Schritt der Anmeldung fehlt.`,
    },
  },
  changes: {
    totp_added: 'Eine Authenticator-App wurde hinzugefügt.',
    totp_removed: 'Die Authenticator-App wurde entfernt.',
    passkey_added: 'Ein Passkey wurde hinzugefügt.',
    passkey_removed: 'Ein Passkey wurde entfernt.',
    recovery_codes_renewed: 'Es gibt neue Wiederherstellungscodes. Die alten funktionieren nicht mehr.',
    recovery_code_used: 'Ein Wiederherstellungscode wurde zur Anmeldung verwendet.',
  },
  linkLifetime: (duration) => `Der Link funktioniert einmal. Gültigkeit: ${duration}.`,
  codeLifetime: (duration) => `Der Code funktioniert einmal. Gültigkeit: ${duration}.`,
  deletion: (date) => `Zeitpunkt der Löschung: ${date}.`,
  notRequested:
    'Falls Sie diese E-Mail nicht angefordert haben, können Sie sie ignorieren. Ohne Sie ändert sich nichts.',
  passwordKnown:
    'Falls Sie Ihr Passwort gerade nicht eingegeben haben, kennt es eine andere Person. Wählen Sie ein neues Passwort.',
  notYou: 'Falls Sie das nicht waren, beenden Sie alle Sitzungen und wählen Sie ein neues Passwort.',
  endSessions: 'Alle Sitzungen beenden',
  facts: { at: 'Zeit', device: 'Gerät', country: 'Land' },
  links: { privacy: 'Datenschutz', terms: 'Nutzungsbedingungen', help: 'Hilfe' },
}
