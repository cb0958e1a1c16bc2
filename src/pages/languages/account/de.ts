import type { AccountTexts } from './en.ts'

/** The texts of the account pages in the language of `../de.ts`. */
export const de: AccountTexts = {
  title: 'Ihr Konto',
  back: 'Zurück zu Ihrem Konto',
  notSignedIn: 'Sie sind nicht angemeldet. Es wurde nichts geändert.',
  chooseTitle: 'Welches Konto möchten Sie öffnen?',
  sections: {
    profile: 'Profil',
    address: 'E-Mail-Adresse',
    password: 'Passwort',
    passkeys: 'Passkeys',
    secondFactor: 'Zweiter Faktor',
    sessions: 'Geräte und Sitzungen',
    applications: 'Verbundene Anwendungen',
    data: 'Ihre Daten herunterladen',
    deletion: 'Ihr Konto löschen',
  },
  notices: {
    profileSaved: 'Ihr Profil ist gespeichert.',
    addressRequested:
      'Eine E-Mail mit einem Link ist an die neue Adresse unterwegs. Ihre Adresse ändert sich, wenn Sie den Link innerhalb einer Stunde verwenden.',
    passwordChanged: 'Ihr Passwort ist geändert. Sie sind auf allen anderen Geräten abgemeldet.',
    passkeyAdded: 'Der Passkey ist hinzugefügt.',
    passkeyRenamed: 'Der Name des Passkeys ist gespeichert.',
    passkeyRemoved: 'Der Passkey ist entfernt. Löschen Sie ihn auch auf Ihrem Gerät.',
    appRemoved: 'Die Authenticator-App ist entfernt.',
    sessionEnded: 'Die Sitzung ist beendet.',
    othersEnded: 'Sie sind auf allen anderen Geräten abgemeldet.',
    accessWithdrawn: (client) => `${client} hat keinen Zugriff mehr auf Ihr Konto.`,
    deletionCancelled: 'Sie haben sich angemeldet. Ihr Konto wird deshalb nicht gelöscht.',
  },
  profile: {
    name: 'Vollständiger Name',
    givenName: 'Vorname',
    familyName: 'Nachname',
    locale: 'Sprache der E-Mails',
    noLocale: 'Nicht gewählt',
    submit: 'Speichern',
  },
  address: {
    current: (email) => `Ihre E-Mail-Adresse ist ${email}.`,
    text: 'Sie bestätigen die neue Adresse durch einen Link in einer E-Mail an diese Adresse. Bis dahin ändert sich nichts.',
    next: 'Neue E-Mail-Adresse',
    submit: 'Link senden',
  },
  password: {
    text: 'Durch das neue Passwort werden Sie auf allen anderen Geräten abgemeldet.',
  },
  passkeys: {
    text: 'Mit einem Passkey melden Sie sich per Fingerabdruck, Gesicht oder Gerätesperre an.',
    none: 'Sie haben keinen Passkey. Mit einem Passkey melden Sie sich per Fingerabdruck, Gesicht oder Gerätesperre an.',
    required:
      'Ihr Konto braucht diesen Passkey. Deshalb können Sie ihn nicht entfernen. Fügen Sie zuerst einen anderen hinzu.',
    added: (time) => `Hinzugefügt: ${time}`,
    used: (time) => `Zuletzt verwendet: ${time}`,
    unused: 'Noch nicht verwendet',
    name: 'Name des Passkeys',
    changeName: 'Namen ändern',
    rename: 'Namen speichern',
    remove: 'Entfernen',
  },
  secondFactor: {
    has: 'Wenn Sie sich mit dem Passwort anmelden, fragt Ihr Konto nach einem Code Ihrer Authenticator-App.',
    none: 'Mit einem zweiten Faktor reicht ein gestohlenes Passwort nicht für die Anmeldung.',
    required: 'Ihr Konto braucht einen zweiten Faktor. Deshalb können Sie die App nicht entfernen.',
    newCodes: 'Wiederherstellungscodes ersetzen',
    newCodesText: 'Neue Wiederherstellungscodes ersetzen die früheren.',
    replace: 'Andere App verwenden',
    remove: 'App entfernen',
    removeText: 'Mit der App werden auch die Wiederherstellungscodes entfernt.',
  },
  sessions: {
    text: 'Diese Anwendungen sind mit Ihrem Konto angemeldet.',
    none: 'Keine Anwendung ist mit Ihrem Konto angemeldet.',
    unknownDevice: 'Unbekanntes Gerät',
    thisBrowser: 'Dieser Browser',
    startedHere: 'In diesem Browser begonnen',
    began: (time) => `Angemeldet: ${time}`,
    used: (time) => `Zuletzt verwendet: ${time}`,
    end: 'Sitzung beenden',
    othersText:
      'Sie können alle Sitzungen außer der dieser Seite beenden, auch Sitzungen, die nicht in der Liste sind.',
    others: 'Überall sonst abmelden',
  },
  applications: {
    text: 'Sie haben diesen Anwendungen erlaubt, Ihr Konto zu verwenden.',
    none: 'Sie haben keiner anderen Anwendung erlaubt, Ihr Konto zu verwenden.',
    api: (name) => `Zugriff auf: ${name}`,
    since: (time) => `Erlaubt: ${time}`,
    noSession: 'Keine aktive Sitzung',
    withdraw: 'Zugriff entziehen',
  },
  data: {
    text: 'Die Datei enthält die gespeicherten Daten über Ihr Konto, Ihre Sitzungen und Ihre Anmeldungen. Sie hat das Format JSON.',
    submit: 'Herunterladen',
  },
  deletion: {
    text: (days) =>
      `Sie werden sofort überall abgemeldet. Frist bis zur Löschung Ihres Kontos und seiner Daten: ${days}. Wenn Sie sich vorher anmelden, bleibt das Konto bestehen.`,
    confirm: (name) => `Geben Sie zur Bestätigung ${name} ein`,
    submit: 'Mein Konto löschen',
    lastAdmin:
      'Sie sind der einzige Administrator. Machen Sie zuerst einen anderen Benutzer zum Administrator.',
    scheduledTitle: 'Ihr Konto wird gelöscht',
    scheduledText: (days) =>
      `Sie sind überall abgemeldet. Frist bis zur Löschung Ihres Kontos: ${days}. Um es zu behalten, melden Sie sich vorher an.`,
  },
}
