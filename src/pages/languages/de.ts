import { de as accountPage } from './account/de.ts'
import type { Texts } from './en.ts'

/** The German texts. They address the user as "Sie". A scope is in the accusative: "… erhält Zugriff auf: Ihren Namen". */
export const de: Texts = {
  cancel: 'Abbrechen',
  useAnotherAccount: 'Anderes Konto verwenden',
  username: 'Benutzername',
  signIn: {
    title: 'Anmelden',
    to: (client) => `Weiter zu ${client}`,
    password: 'Passwort',
    passkey: 'Mit Passkey anmelden',
    emailCode: 'Code per E-Mail senden',
    signUp: 'Konto erstellen',
    guest: 'Als Gast fortfahren',
  },
  account: {
    title: 'Konto auswählen',
    signedInAs: (name) => `Sie sind als ${name} angemeldet`,
    choose: (client) => `Wählen Sie das Konto für ${client} aus.`,
    keep: (name) => `Als ${name} fortfahren`,
  },
  accountPage,
  emailCode: {
    title: 'Sehen Sie in Ihr Postfach',
    text: (name) =>
      `Falls ${name} ein Konto mit bestätigter Adresse hat, ist eine E-Mail mit einem Code unterwegs. Der Code gilt 10 Minuten in diesem Browser.`,
    code: '6-stelliger Code',
    submit: 'Anmelden',
    again: 'Neuen Code senden',
    other: 'Passwort oder andere Adresse verwenden',
  },
  signUp: {
    title: 'Konto erstellen',
    address: 'E-Mail-Adresse',
    hint: 'Sie erhalten einen Code per E-Mail.',
    submit: 'Weiter',
    signIn: 'Ich habe bereits ein Konto',
    mail: (address) =>
      `Eine E-Mail an ${address} ist unterwegs. Geben Sie den Code daraus hier ein. Er gilt 10 Minuten in diesem Browser. Falls es zu der Adresse schon ein Konto gibt, steht das in der E-Mail.`,
    otherAddress: 'Andere Adresse verwenden',
  },
  createAccount: {
    title: 'Passwort wählen',
    name: 'Name (freiwillig)',
    again: 'Passwort wiederholen',
    submit: 'Konto erstellen',
  },
  forgotten: {
    link: 'Passwort vergessen?',
    title: 'Passwort vergessen',
    text: 'Geben Sie Ihren Benutzernamen oder Ihre E-Mail-Adresse ein. Sie erhalten per E-Mail einen Link für ein neues Passwort.',
    submit: 'Link senden',
    sent: 'Falls es zu diesem Namen ein Konto mit bestätigter Adresse gibt, ist eine E-Mail mit einem Link unterwegs. Der Link gilt 30 Minuten. Schließen Sie diese Seite oder kehren Sie nach der Wahl des neuen Passworts zur Anmeldung zurück.',
    back: 'Zurück zur Anmeldung',
  },
  newPassword: {
    text: 'Durch das neue Passwort wird das Konto auf allen Geräten abgemeldet.',
    doneTitle: 'Ihr Passwort ist gespeichert',
    done: 'Sie können sich jetzt mit dem Passwort anmelden.',
  },
  confirmAddress: {
    title: 'E-Mail-Adresse bestätigen',
    text: (address, username) => `${address} für das Konto ${username} verwenden?`,
    ignore: 'Wenn Sie dieses Konto nicht kennen, schließen Sie diese Seite. Ohne Sie ändert sich nichts.',
    doneTitle: 'Ihre E-Mail-Adresse ist bestätigt',
    done: 'E-Mails gehen ab jetzt an die neue Adresse.',
  },
  voidLink: {
    title: 'Dieser Link gilt nicht mehr',
    text: 'Er wurde verwendet, er ist abgelaufen, oder das Konto hat sich seit der E-Mail geändert.',
    again: 'Neuen Link anfordern',
  },
  endSessions: {
    title: 'Alle Sitzungen beenden?',
    text: 'Jeder Browser und jede Anwendung mit Zugriff auf Ihr Konto muss sich neu anmelden.',
    submit: 'Alle Sitzungen beenden',
    doneTitle: 'Alle Sitzungen sind beendet',
    done: 'Jeder Browser und jede Anwendung muss sich neu anmelden. Wählen Sie jetzt ein neues Passwort, denn möglicherweise kennt eine andere Person das aktuelle.',
    choose: 'Neues Passwort wählen',
  },
  passkey: {
    notUsed: 'Es wurde kein Passkey verwendet. Versuchen Sie es erneut oder melden Sie sich anders an.',
    unsupported:
      'Passkeys funktionieren in diesem Browser nicht. Verwenden Sie einen aktuellen Browser und erlauben Sie Skripte.',
  },
  secondFactor: {
    title: 'Bestätigen Sie, dass Sie es sind',
    text: (name) => `Geben Sie den Code ein, den Ihre Authenticator-App für ${name} anzeigt.`,
    byPasskey: (name) => `Verwenden Sie den Passkey von ${name}.`,
    passkey: 'Passkey verwenden',
    code: '6-stelliger Code',
    submit: 'Weiter',
    lost: 'Wiederherstellungscode verwenden',
    recoveryCode: 'Wiederherstellungscode',
    recoveryHint: 'Jeder Wiederherstellungscode gilt einmal.',
    submitRecovery: 'Weiter mit Wiederherstellungscode',
  },
  emailSecondFactor: {
    ask: (name) => `Wir können einen Code an die bestätigte Adresse von ${name} senden.`,
    sent: (name) =>
      `Eine E-Mail mit einem Code ist an die bestätigte Adresse von ${name} unterwegs. Der Code gilt 10 Minuten in diesem Browser.`,
  },
  setUp: {
    title: 'Zweiten Faktor einrichten',
    reason: 'Ihr Konto braucht zusätzlich zum Passwort einen Code aus einer Authenticator-App.',
    scan: 'Scannen Sie diesen QR-Code mit Ihrer Authenticator-App.',
    qr: 'QR-Code für die Authenticator-App',
    open: 'Authenticator-App auf diesem Gerät öffnen',
    key: 'Oder geben Sie diesen Schlüssel in die App ein:',
    code: '6-stelliger Code aus der App',
    submit: 'Code bestätigen',
    passkey: 'Stattdessen einen Passkey verwenden',
  },
  recoveryCodes: {
    title: 'Bewahren Sie Ihre Wiederherstellungscodes auf',
    text: 'Jeder Code ersetzt Ihre Authenticator-App einmal. Bewahren Sie die Codes an einem sicheren Ort auf, zum Beispiel in einem Passwortmanager. Sie werden nicht noch einmal angezeigt.',
    submit: 'Ich habe die Codes aufbewahrt',
  },
  addPasskey: {
    title: 'Passkey hinzufügen',
    offer:
      'Mit einem Passkey melden Sie sich per Fingerabdruck, Gesicht oder Gerätesperre an. Sie brauchen kein Passwort.',
    reason:
      'Ihr Konto braucht einen Passkey. Damit melden Sie sich per Fingerabdruck, Gesicht oder Gerätesperre an.',
    submit: 'Passkey erstellen',
    later: 'Nicht jetzt',
    notCreated: 'Es wurde kein Passkey erstellt. Versuchen Sie es erneut.',
    exists: 'Dieses Gerät hat schon einen Passkey dieses Kontos.',
  },
  password: {
    title: 'Neues Passwort wählen',
    reason:
      'Ihr Konto braucht ein neues Passwort, bevor Sie fortfahren können. Durch das neue Passwort werden Sie auf allen anderen Geräten abgemeldet.',
    current: 'Aktuelles Passwort',
    next: 'Neues Passwort',
    again: 'Neues Passwort wiederholen',
    submit: 'Passwort speichern',
  },
  documentError: {
    title: 'Diese Anwendung kann im Moment nicht geprüft werden',
    refusedTitle: 'Diese Anwendung wird nicht angenommen',
    causes: {
      host: (host) => `Dieser Dienst nimmt keine Anwendungen von ${host} an.`,
      url: () => 'Die Adresse, die die Anwendung bezeichnet, ist keine öffentliche https-Adresse.',
      connection: (host) => `Der Server ${host} ist nicht erreichbar.`,
      timeout: (host) => `Der Server ${host} hat nicht rechtzeitig geantwortet.`,
      redirect: (host) => `Der Server ${host} leitet auf eine andere Adresse weiter. Das ist nicht erlaubt.`,
      status: (host) => `Der Server ${host} hat mit einem Fehler geantwortet.`,
      size: (host) => `Die Beschreibung der Anwendung bei ${host} ist zu lang.`,
      content: (host) => `Die Beschreibung der Anwendung bei ${host} ist fehlerhaft.`,
    },
    help: 'Es wurde nichts geändert. Gehen Sie zur Anwendung zurück und versuchen Sie es später erneut.',
    refusedHelp: 'Es wurde nichts geändert. Gehen Sie zur Anwendung zurück.',
  },
  consent: {
    title: 'Zugriff erlauben',
    question: (client) => `Darf ${client} Ihr Konto verwenden?`,
    scopes: 'Die Anwendung erhält Zugriff auf:',
    newScopes: 'Neu:',
    earlierScopes: 'Bereits erlaubt:',
    everything: (api) => `Die Anwendung erhält Zugriff auf alles, was Ihr Konto in ${api} tun kann.`,
    describedAt: 'Die Anwendung beschreibt sich selbst bei:',
    onDevice:
      'Diese Anwendung läuft auf Ihrem Gerät. Erlauben Sie den Zugriff nur, wenn Sie sie gerade selbst gestartet haben.',
    returnTo: 'Danach kehren Sie zurück zu:',
    allow: 'Erlauben',
    privacy: 'Datenschutzerklärung der Anwendung',
    terms: 'Nutzungsbedingungen der Anwendung',
  },
  scopes: {
    openid: 'Die Kennung Ihres Kontos',
    profile: 'Ihren Namen und Ihre Sprache',
    email: 'Ihre E-Mail-Adresse',
  },
  leave: {
    title: 'Weiter',
    text: (host) =>
      `Sie werden zu ${host} weitergeleitet. Falls nichts passiert, klicken Sie auf die Schaltfläche.`,
    submit: 'Weiter',
  },
  signOut: { title: 'Abmelden?', submit: 'Abmelden', stay: 'Angemeldet bleiben' },
  signedOut: {
    title: 'Sie sind abgemeldet',
    text: 'Sie können diese Seite schließen oder zur Anwendung zurückkehren.',
  },
  links: { privacy: 'Datenschutz', terms: 'Nutzungsbedingungen', help: 'Hilfe' },
  problems: {
    wrongCredentials: 'Benutzername oder Passwort ist falsch. Prüfen Sie beides und versuchen Sie es erneut.',
    tooManyAttempts: (when) => `Es gab zu viele Versuche. Versuchen Sie es ${when} erneut.`,
    busy: (when) => `Der Dienst ist ausgelastet. Versuchen Sie es ${when} erneut.`,
    wrongCode: {
      totp: 'Der Code ist falsch oder wurde schon verwendet. Geben Sie den aktuellen Code der App ein.',
      recovery_code:
        'Der Wiederherstellungscode ist falsch oder wurde schon verwendet. Geben Sie einen anderen ein.',
      email_code:
        'Der Code ist falsch oder nicht mehr gültig. Prüfen Sie ihn, oder fordern Sie einen neuen an.',
    },
    refusedPasskey:
      'Dieser Passkey funktioniert hier nicht. Wählen Sie einen anderen Passkey, oder melden Sie sich anders an.',
    unusablePasskey: 'Der Passkey konnte nicht hinzugefügt werden. Versuchen Sie es noch einmal.',
    missingName: 'Geben Sie Ihren Benutzernamen oder Ihre E-Mail-Adresse ein.',
    noAddress: 'Geben Sie eine E-Mail-Adresse ein, zum Beispiel zoe@example.com.',
    wrongCurrentPassword: 'Das aktuelle Passwort ist falsch. Geben Sie es noch einmal ein.',
    differentPasswords: 'Die beiden neuen Passwörter sind verschieden. Geben Sie beide noch einmal ein.',
    passwordLength: (shortest, longest) =>
      `Das neue Passwort muss ${shortest} bis ${longest} Zeichen lang sein. Wählen Sie ein anderes Passwort.`,
    commonPassword:
      'Dieses Passwort ist sehr verbreitet, deshalb ist es leicht zu erraten. Wählen Sie ein anderes Passwort.',
    breachedPassword:
      'Dieses Passwort steht in einer Liste gestohlener Passwörter. Wählen Sie ein anderes Passwort.',
    samePassword: 'Wählen Sie ein Passwort, das sich vom aktuellen unterscheidet.',
    changedMeanwhile:
      'Das Profil wurde an anderer Stelle geändert. Prüfen Sie es und speichern Sie noch einmal.',
    refusedText: (longest) => `Verwenden Sie höchstens ${longest} Zeichen in einer Zeile.`,
    wrongName: 'Geben Sie den Namen genau so ein, wie er angezeigt wird.',
    otherAccount:
      'Die Anwendung verlangt ein anderes Konto. Melden Sie sich mit diesem Konto an oder brechen Sie ab.',
    expiredForm: 'Die Seite war zu lange offen. Es wurde nichts ausgeführt. Versuchen Sie es erneut.',
    noCookie:
      'Ihr Browser hat kein Cookie gesendet. Es wurde nichts ausgeführt. Erlauben Sie Cookies für diese Website und versuchen Sie es erneut.',
    otherBrowser:
      'Das Formular gehört zu einem anderen Browser. Es wurde nichts ausgeführt. Prüfen Sie das Konto und versuchen Sie es erneut.',
    otherSession:
      'Ihre Anmeldung hat sich geändert, seit diese Seite geöffnet wurde. Es wurde nichts ausgeführt. Prüfen Sie das Konto und fahren Sie fort.',
  },
  errors: {
    number: (status) => `Fehler ${status}`,
    link: {
      title: 'Dieser Anmeldelink funktioniert nicht',
      text: 'Der Link ist falsch, unvollständig oder zu alt. Gehen Sie zur Anwendung zurück und beginnen Sie von vorn.',
    },
    logout: {
      title: 'Dieser Abmeldelink funktioniert nicht',
      text: 'Es wurde nichts geändert. Gehen Sie zur Anwendung zurück und melden Sie sich dort ab.',
    },
    form: {
      title: 'Dieses Formular funktioniert nicht mehr',
      text: 'Es wurde nichts geändert. Gehen Sie zur Anwendung zurück und beginnen Sie von vorn.',
    },
    forged: {
      title: 'Dieses Formular kam nicht von dieser Website',
      text: 'Es wurde nichts geändert. Gehen Sie zur Anwendung zurück und beginnen Sie von vorn.',
    },
    notFound: {
      title: 'Seite nicht gefunden',
      text: 'Die Adresse ist falsch. Gehen Sie zur Anwendung zurück und beginnen Sie von vorn.',
    },
    unavailable: {
      title: 'Zurzeit nicht verfügbar',
      text: 'Warten Sie einen Moment und laden Sie diese Seite neu.',
    },
    unexpected: {
      title: 'Etwas ist schiefgegangen',
      text: 'Laden Sie diese Seite neu. Falls das nicht hilft, gehen Sie zur Anwendung zurück und beginnen Sie von vorn.',
    },
  },
}
