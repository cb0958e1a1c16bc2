import { nl as accountPage } from './account/nl.ts'
import type { Texts } from './en.ts'

/** The Dutch texts. They address the user as "je". */
export const nl: Texts = {
  cancel: 'Annuleren',
  useAnotherAccount: 'Een ander account gebruiken',
  username: 'Gebruikersnaam',
  signIn: {
    title: 'Inloggen',
    to: (client) => `om door te gaan naar ${client}`,
    password: 'Wachtwoord',
    passkey: 'Inloggen met een passkey',
    emailCode: 'Mail mij een code',
    signUp: 'Account aanmaken',
    guest: 'Doorgaan als gast',
  },
  account: {
    title: 'Kies een account',
    signedInAs: (name) => `Je bent ingelogd als ${name}`,
    choose: (client) => `Kies het account voor ${client}.`,
    keep: (name) => `Doorgaan als ${name}`,
  },
  accountPage,
  emailCode: {
    title: 'Kijk in je mailbox',
    text: (name) =>
      `Als ${name} een account met een bevestigd adres heeft, is er een e-mail met een code onderweg. De code geldt 10 minuten in deze browser.`,
    code: 'Code van 6 cijfers',
    submit: 'Inloggen',
    again: 'Nieuwe code sturen',
    other: 'Een wachtwoord of ander adres gebruiken',
  },
  signUp: {
    title: 'Account aanmaken',
    address: 'E-mailadres',
    hint: 'Je krijgt een code per e-mail.',
    submit: 'Doorgaan',
    signIn: 'Ik heb al een account',
    mail: (address) =>
      `Er is een e-mail naar ${address} onderweg. Vul de code daaruit hier in. Hij geldt 10 minuten in deze browser. Als het adres al een account heeft, staat dat in de e-mail.`,
    otherAddress: 'Een ander adres gebruiken',
  },
  createAccount: {
    title: 'Kies een wachtwoord',
    name: 'Naam (optioneel)',
    again: 'Wachtwoord herhalen',
    submit: 'Account aanmaken',
  },
  forgotten: {
    link: 'Wachtwoord vergeten?',
    title: 'Wachtwoord vergeten',
    text: 'Vul je gebruikersnaam of je e-mailadres in. Je krijgt per e-mail een link voor een nieuw wachtwoord.',
    submit: 'Link sturen',
    sent: 'Als er bij deze naam een account met een bevestigd adres is, is er een e-mail met een link onderweg. De link geldt 30 minuten. Sluit deze pagina of ga terug naar het inloggen nadat je een nieuw wachtwoord hebt gekozen.',
    back: 'Terug naar inloggen',
  },
  newPassword: {
    text: 'Door het nieuwe wachtwoord wordt het account op alle apparaten uitgelogd.',
    doneTitle: 'Je wachtwoord is opgeslagen',
    done: 'Je kunt nu inloggen met het wachtwoord.',
  },
  confirmAddress: {
    title: 'E-mailadres bevestigen',
    text: (address, username) => `${address} gebruiken voor het account ${username}?`,
    ignore: 'Als je dit account niet kent, sluit dan deze pagina. Zonder jou verandert er niets.',
    doneTitle: 'Je e-mailadres is bevestigd',
    done: 'E-mails gaan vanaf nu naar het nieuwe adres.',
  },
  voidLink: {
    title: 'Deze link werkt niet meer',
    text: 'De link is gebruikt of verlopen, of het account is veranderd sinds de e-mail is verstuurd.',
    again: 'Nieuwe link aanvragen',
  },
  endSessions: {
    title: 'Alle sessies beëindigen?',
    text: 'Elke browser en applicatie die je account gebruikt, moet opnieuw inloggen.',
    submit: 'Alle sessies beëindigen',
    doneTitle: 'Alle sessies zijn beëindigd',
    done: 'Elke browser en applicatie moet opnieuw inloggen. Kies nu een nieuw wachtwoord, want iemand anders kent misschien het huidige.',
    choose: 'Nieuw wachtwoord kiezen',
  },
  passkey: {
    notUsed: 'Er is geen passkey gebruikt. Probeer het opnieuw, of log op een andere manier in.',
    unsupported: 'Passkeys werken niet in deze browser. Gebruik een recente browser en sta scripts toe.',
  },
  secondFactor: {
    title: 'Bevestig dat jij het bent',
    text: (name) => `Voer de code in die je authenticator-app voor ${name} toont.`,
    byPasskey: (name) => `Gebruik de passkey van ${name}.`,
    passkey: 'Passkey gebruiken',
    code: 'Code van 6 cijfers',
    submit: 'Doorgaan',
    lost: 'Een herstelcode gebruiken',
    recoveryCode: 'Herstelcode',
    recoveryHint: 'Elke herstelcode werkt één keer.',
    submitRecovery: 'Doorgaan met de herstelcode',
  },
  emailSecondFactor: {
    ask: (name) => `We kunnen een code naar het bevestigde adres van ${name} sturen.`,
    sent: (name) =>
      `Er is een e-mail met een code onderweg naar het bevestigde adres van ${name}. De code geldt 10 minuten in deze browser.`,
  },
  setUp: {
    title: 'Tweede factor instellen',
    reason: 'Je account heeft naast het wachtwoord een code van een authenticator-app nodig.',
    scan: 'Scan deze QR-code met je authenticator-app.',
    qr: 'QR-code voor de authenticator-app',
    open: 'Open de authenticator-app op dit apparaat',
    key: 'Of typ deze sleutel in de app:',
    code: 'Code van 6 cijfers uit de app',
    submit: 'Code bevestigen',
    passkey: 'In plaats daarvan een passkey gebruiken',
  },
  recoveryCodes: {
    title: 'Bewaar je herstelcodes',
    text: 'Elke code vervangt je authenticator-app één keer. Bewaar de codes op een veilige plaats, bijvoorbeeld in een wachtwoordmanager. Ze worden niet opnieuw getoond.',
    submit: 'Ik heb de codes bewaard',
  },
  addPasskey: {
    title: 'Passkey toevoegen',
    offer:
      'Met een passkey log je in met je vingerafdruk, je gezicht of de vergrendeling van je apparaat. Je hebt geen wachtwoord nodig.',
    reason:
      'Je account heeft een passkey nodig. Daarmee log je in met je vingerafdruk, je gezicht of de vergrendeling van je apparaat.',
    submit: 'Passkey maken',
    later: 'Niet nu',
    notCreated: 'Er is geen passkey gemaakt. Probeer het opnieuw.',
    exists: 'Dit apparaat heeft al een passkey van dit account.',
  },
  password: {
    title: 'Kies een nieuw wachtwoord',
    reason:
      'Je account heeft een nieuw wachtwoord nodig voordat je verder kunt. Door het nieuwe wachtwoord word je op alle andere apparaten uitgelogd.',
    current: 'Huidig wachtwoord',
    next: 'Nieuw wachtwoord',
    again: 'Nieuw wachtwoord herhalen',
    submit: 'Wachtwoord opslaan',
  },
  documentError: {
    title: 'Deze applicatie kan nu niet worden gecontroleerd',
    refusedTitle: 'Deze applicatie wordt niet geaccepteerd',
    causes: {
      host: (host) => `Deze dienst accepteert geen applicaties van ${host}.`,
      url: () => 'Het adres dat de applicatie aanduidt, is geen openbaar https-adres.',
      connection: (host) => `De server ${host} is niet bereikbaar.`,
      timeout: (host) => `De server ${host} heeft niet op tijd geantwoord.`,
      redirect: (host) => `De server ${host} verwijst door naar een ander adres. Dat is niet toegestaan.`,
      status: (host) => `De server ${host} heeft met een fout geantwoord.`,
      size: (host) => `De beschrijving van de applicatie op ${host} is te lang.`,
      content: (host) => `De beschrijving van de applicatie op ${host} bevat fouten.`,
    },
    help: 'Er is niets gewijzigd. Ga terug naar de applicatie en probeer het later opnieuw.',
    refusedHelp: 'Er is niets gewijzigd. Ga terug naar de applicatie.',
  },
  consent: {
    title: 'Toegang toestaan',
    question: (client) => `Mag ${client} je account gebruiken?`,
    scopes: 'De applicatie krijgt toegang tot:',
    newScopes: 'Nieuw:',
    earlierScopes: 'Al toegestaan:',
    everything: (api) => `De applicatie krijgt toegang tot alles wat je account kan doen in ${api}.`,
    describedAt: 'De applicatie beschrijft zichzelf op:',
    onDevice:
      'Deze applicatie draait op je apparaat. Sta de toegang alleen toe als je haar zojuist zelf hebt gestart.',
    returnTo: 'Daarna ga je terug naar:',
    allow: 'Toestaan',
    privacy: 'Privacybeleid van de applicatie',
    terms: 'Voorwaarden van de applicatie',
  },
  scopes: {
    openid: 'Je account-ID',
    profile: 'Je naam en je taal',
    email: 'Je e-mailadres',
  },
  leave: {
    title: 'Doorgaan',
    text: (host) => `Je wordt doorgestuurd naar ${host}. Klik op de knop als er niets gebeurt.`,
    submit: 'Doorgaan',
  },
  signOut: { title: 'Uitloggen?', submit: 'Uitloggen', stay: 'Ingelogd blijven' },
  signedOut: {
    title: 'Je bent uitgelogd',
    text: 'Je kunt deze pagina sluiten of teruggaan naar de applicatie.',
  },
  links: { privacy: 'Privacy', terms: 'Voorwaarden', help: 'Hulp' },
  problems: {
    wrongCredentials:
      'De gebruikersnaam of het wachtwoord is onjuist. Controleer beide en probeer het opnieuw.',
    tooManyAttempts: (when) => `Er waren te veel pogingen. Probeer het ${when} opnieuw.`,
    busy: (when) => `De dienst is overbelast. Probeer het ${when} opnieuw.`,
    wrongCode: {
      totp: 'De code is onjuist of al gebruikt. Voer de huidige code van de app in.',
      recovery_code: 'De herstelcode is onjuist of al gebruikt. Voer een andere in.',
      email_code: 'De code is onjuist of niet meer geldig. Controleer de code of vraag een nieuwe aan.',
    },
    refusedPasskey: 'Deze passkey werkt hier niet. Kies een andere passkey, of log op een andere manier in.',
    unusablePasskey: 'De passkey kon niet worden toegevoegd. Probeer het opnieuw.',
    missingName: 'Typ je gebruikersnaam of e-mailadres.',
    noAddress: 'Vul een e-mailadres in, bijvoorbeeld zoe@example.com.',
    wrongCurrentPassword: 'Het huidige wachtwoord is onjuist. Typ het opnieuw.',
    differentPasswords: 'De twee nieuwe wachtwoorden zijn verschillend. Typ ze allebei opnieuw.',
    passwordLength: (shortest, longest) =>
      `Het nieuwe wachtwoord moet ${shortest} tot en met ${longest} tekens lang zijn. Kies een ander wachtwoord.`,
    commonPassword:
      'Dit wachtwoord wordt veel gebruikt, dus het is makkelijk te raden. Kies een ander wachtwoord.',
    breachedPassword:
      'Dit wachtwoord staat in een lijst met gestolen wachtwoorden. Kies een ander wachtwoord.',
    samePassword: 'Kies een wachtwoord dat verschilt van het huidige.',
    changedMeanwhile: 'Het profiel is ergens anders gewijzigd. Controleer het en sla opnieuw op.',
    refusedText: (longest) => `Gebruik hoogstens ${longest} tekens op één regel.`,
    wrongName: 'Typ de naam precies zoals die wordt getoond.',
    otherAccount: 'De applicatie vraagt om een ander account. Log in met dat account of annuleer.',
    expiredForm: 'De pagina stond te lang open. Er is niets uitgevoerd. Probeer het opnieuw.',
    noCookie:
      'Je browser heeft geen cookie gestuurd. Er is niets uitgevoerd. Sta cookies toe voor deze site en probeer het opnieuw.',
    otherBrowser:
      'Het formulier hoort bij een andere browser. Er is niets uitgevoerd. Controleer het account en probeer het opnieuw.',
    otherSession:
      'Je sessie is veranderd sinds deze pagina is geopend. Er is niets uitgevoerd. Controleer het account en ga verder.',
  },
  errors: {
    number: (status) => `Fout ${status}`,
    link: {
      title: 'Deze inloglink werkt niet',
      text: 'De link is onjuist, onvolledig of te oud. Ga terug naar de applicatie en begin opnieuw.',
    },
    logout: {
      title: 'Deze uitloglink werkt niet',
      text: 'Er is niets gewijzigd. Ga terug naar de applicatie en log daar uit.',
    },
    form: {
      title: 'Dit formulier werkt niet meer',
      text: 'Er is niets gewijzigd. Ga terug naar de applicatie en begin opnieuw.',
    },
    forged: {
      title: 'Dit formulier is niet vanaf deze site verstuurd',
      text: 'Er is niets gewijzigd. Ga terug naar de applicatie en begin opnieuw.',
    },
    notFound: {
      title: 'Pagina niet gevonden',
      text: 'Het adres is onjuist. Ga terug naar de applicatie en begin opnieuw.',
    },
    unavailable: {
      title: 'Op dit moment niet beschikbaar',
      text: 'Wacht even en laad deze pagina opnieuw.',
    },
    unexpected: {
      title: 'Er is iets misgegaan',
      text: 'Laad deze pagina opnieuw. Lukt het weer niet, ga dan terug naar de applicatie en begin opnieuw.',
    },
  },
}
