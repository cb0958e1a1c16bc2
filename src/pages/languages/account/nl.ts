import type { AccountTexts } from './en.ts'

/** The texts of the account pages in the language of `../nl.ts`. */
export const nl: AccountTexts = {
  title: 'Je account',
  back: 'Terug naar je account',
  notSignedIn: 'Je bent niet ingelogd. Er is niets gewijzigd.',
  chooseTitle: 'Welk account wil je openen?',
  sections: {
    profile: 'Profiel',
    address: 'E-mailadres',
    password: 'Wachtwoord',
    passkeys: 'Passkeys',
    secondFactor: 'Tweede factor',
    sessions: 'Apparaten en sessies',
    applications: 'Gekoppelde applicaties',
    data: 'Je gegevens downloaden',
    deletion: 'Je account verwijderen',
  },
  notices: {
    profileSaved: 'Je profiel is opgeslagen.',
    addressRequested:
      'Er is een e-mail met een link onderweg naar het nieuwe adres. Je adres verandert als je de link binnen een uur gebruikt.',
    passwordChanged: 'Je wachtwoord is gewijzigd. Je bent op alle andere apparaten uitgelogd.',
    passkeyAdded: 'De passkey is toegevoegd.',
    passkeyRenamed: 'De naam van de passkey is opgeslagen.',
    passkeyRemoved: 'De passkey is verwijderd. Verwijder hem ook op je apparaat.',
    appRemoved: 'De authenticator-app is verwijderd.',
    sessionEnded: 'De sessie is beëindigd.',
    othersEnded: 'Je bent op alle andere apparaten uitgelogd.',
    accessWithdrawn: (client) => `${client} heeft geen toegang meer tot je account.`,
    deletionCancelled: 'Je hebt ingelogd, dus je account wordt niet verwijderd.',
  },
  profile: {
    name: 'Volledige naam',
    givenName: 'Voornaam',
    familyName: 'Achternaam',
    locale: 'Taal van de e-mails',
    noLocale: 'Niet gekozen',
    submit: 'Opslaan',
  },
  address: {
    current: (email) => `Je e-mailadres is ${email}.`,
    text: 'Je bevestigt het nieuwe adres met een link in een e-mail aan dat adres. Tot dan verandert er niets.',
    next: 'Nieuw e-mailadres',
    submit: 'Link sturen',
  },
  password: {
    text: 'Door het nieuwe wachtwoord word je op alle andere apparaten uitgelogd.',
  },
  passkeys: {
    text: 'Met een passkey log je in met je vingerafdruk, je gezicht of de vergrendeling van je apparaat.',
    none: 'Je hebt geen passkey. Met een passkey log je in met je vingerafdruk, je gezicht of de vergrendeling van je apparaat.',
    required:
      'Je account heeft deze passkey nodig, dus je kunt hem niet verwijderen. Voeg eerst een andere toe.',
    added: (time) => `Toegevoegd: ${time}`,
    used: (time) => `Laatst gebruikt: ${time}`,
    unused: 'Nog niet gebruikt',
    name: 'Naam van de passkey',
    changeName: 'Naam wijzigen',
    rename: 'Naam opslaan',
    remove: 'Verwijderen',
  },
  secondFactor: {
    has: 'Als je met je wachtwoord inlogt, vraagt je account om een code van je authenticator-app.',
    none: 'Met een tweede factor is een gestolen wachtwoord niet genoeg om in te loggen.',
    required: 'Je account heeft een tweede factor nodig, dus je kunt de app niet verwijderen.',
    newCodes: 'Herstelcodes vervangen',
    newCodesText: 'Nieuwe herstelcodes vervangen de vorige.',
    replace: 'Een andere app gebruiken',
    remove: 'App verwijderen',
    removeText: 'De herstelcodes worden samen met de app verwijderd.',
  },
  sessions: {
    text: 'Deze applicaties zijn ingelogd op je account.',
    none: 'Er is geen applicatie ingelogd op je account.',
    unknownDevice: 'Onbekend apparaat',
    thisBrowser: 'Deze browser',
    startedHere: 'Begonnen in deze browser',
    began: (time) => `Ingelogd: ${time}`,
    used: (time) => `Laatst gebruikt: ${time}`,
    end: 'Sessie beëindigen',
    othersText:
      'Je kunt alle sessies behalve die van deze pagina beëindigen, ook sessies die niet in de lijst staan.',
    others: 'Overal elders uitloggen',
  },
  applications: {
    text: 'Je hebt deze applicaties toegestaan om je account te gebruiken.',
    none: 'Je hebt geen andere applicatie toegestaan om je account te gebruiken.',
    api: (name) => `Toegang tot: ${name}`,
    since: (time) => `Toegestaan: ${time}`,
    noSession: 'Geen actieve sessie',
    withdraw: 'Toegang intrekken',
  },
  data: {
    text: 'Het bestand bevat de opgeslagen gegevens over je account, je sessies en je inlogmomenten. Het heeft de indeling JSON.',
    submit: 'Downloaden',
  },
  deletion: {
    text: (days) =>
      `Je wordt meteen overal uitgelogd. Je account en de gegevens ervan worden na ${days} gewist. Als je eerder inlogt, blijft het account bestaan.`,
    confirm: (name) => `Typ ${name} om te bevestigen`,
    submit: 'Mijn account verwijderen',
    lastAdmin: 'Je bent de enige beheerder. Maak eerst een andere gebruiker beheerder.',
    scheduledTitle: 'Je account wordt verwijderd',
    scheduledText: (days) =>
      `Je bent overal uitgelogd. Je account wordt na ${days} gewist. Log eerder in om het te behouden.`,
  },
}
