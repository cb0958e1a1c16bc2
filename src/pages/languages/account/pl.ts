import type { AccountTexts } from './en.ts'

/** The texts of the account pages in the language of `../pl.ts`. */
export const pl: AccountTexts = {
  title: 'Twoje konto',
  back: 'Wróć do konta',
  notSignedIn: 'Nie zalogowano. Nic nie zostało zmienione.',
  chooseTitle: 'Które konto chcesz otworzyć?',
  sections: {
    profile: 'Profil',
    address: 'Adres e-mail',
    password: 'Hasło',
    passkeys: 'Klucze dostępu',
    secondFactor: 'Drugi składnik',
    sessions: 'Urządzenia i sesje',
    applications: 'Połączone aplikacje',
    data: 'Pobierz swoje dane',
    deletion: 'Usuń konto',
  },
  notices: {
    profileSaved: 'Profil został zapisany.',
    addressRequested:
      'Wiadomość z linkiem jest w drodze na nowy adres. Twój adres zmieni się, gdy użyjesz linku w ciągu godziny.',
    passwordChanged: 'Hasło zostało zmienione. Wylogowano Cię na wszystkich innych urządzeniach.',
    passkeyAdded: 'Klucz dostępu został dodany.',
    passkeyRenamed: 'Nazwa klucza dostępu została zapisana.',
    passkeyRemoved: 'Klucz dostępu został usunięty. Usuń go też na swoim urządzeniu.',
    appRemoved: 'Aplikacja uwierzytelniająca została usunięta.',
    sessionEnded: 'Sesja została zakończona.',
    othersEnded: 'Wylogowano Cię na wszystkich innych urządzeniach.',
    accessWithdrawn: 'Aplikacja nie ma już dostępu do Twojego konta.',
  },
  profile: {
    name: 'Imię i nazwisko',
    givenName: 'Imię',
    familyName: 'Nazwisko',
    locale: 'Język wiadomości e-mail',
    noLocale: 'Nie wybrano',
    submit: 'Zapisz',
  },
  address: {
    current: (email) => `Twój adres e-mail to ${email}.`,
    text: 'Nowy adres potwierdzasz linkiem z wiadomości wysłanej na ten adres. Do tego czasu nic się nie zmieni.',
    next: 'Nowy adres e-mail',
    submit: 'Wyślij link',
  },
  password: {
    text: 'Nowe hasło wyloguje Cię na wszystkich innych urządzeniach.',
  },
  passkeys: {
    text: 'Klucz dostępu loguje Cię odciskiem palca, twarzą lub blokadą urządzenia.',
    none: 'Nie masz klucza dostępu. Klucz dostępu loguje Cię odciskiem palca, twarzą lub blokadą urządzenia.',
    required: 'Twoje konto wymaga tego klucza dostępu, więc nie można go usunąć. Najpierw dodaj inny.',
    added: (time) => `Dodano: ${time}`,
    used: (time) => `Ostatnie użycie: ${time}`,
    unused: 'Jeszcze nieużywany',
    name: 'Nazwa klucza dostępu',
    rename: 'Zapisz nazwę',
    remove: 'Usuń',
  },
  secondFactor: {
    has: 'Przy logowaniu hasłem konto wymaga kodu z Twojej aplikacji uwierzytelniającej.',
    none: 'Z drugim składnikiem skradzione hasło nie wystarcza do zalogowania.',
    required: 'Twoje konto wymaga drugiego składnika, więc nie można usunąć aplikacji.',
    newCodes: 'Zastąp kody odzyskiwania',
    newCodesText: 'Nowe kody odzyskiwania zastępują poprzednie.',
    replace: 'Użyj innej aplikacji',
    remove: 'Usuń aplikację',
    removeText: 'Kody odzyskiwania zostaną usunięte razem z aplikacją.',
  },
  sessions: {
    text: 'Te aplikacje są zalogowane na Twoje konto.',
    none: 'Żadna aplikacja nie jest zalogowana na Twoje konto.',
    unknownDevice: 'Nieznane urządzenie',
    thisBrowser: 'Ta przeglądarka',
    began: (time) => `Zalogowano: ${time}`,
    used: (time) => `Ostatnie użycie: ${time}`,
    end: 'Zakończ sesję',
    othersText:
      'Możesz zakończyć wszystkie sesje oprócz sesji tej strony, także te, których nie ma na liście.',
    others: 'Wyloguj wszędzie indziej',
  },
  applications: {
    text: 'Te aplikacje mogą za Twoją zgodą używać Twojego konta.',
    none: 'Żadna inna aplikacja nie ma Twojej zgody na używanie konta.',
    api: (name) => `Dostęp do: ${name}`,
    since: (time) => `Zgoda: ${time}`,
    withdraw: 'Wycofaj dostęp',
  },
  data: {
    text: 'Plik zawiera zapisane dane o Twoim koncie, sesjach i logowaniach. Ma format JSON.',
    submit: 'Pobierz',
  },
  deletion: {
    text: (days) =>
      `Wylogujemy Cię wszędzie od razu. Konto i jego dane zostaną usunięte po upływie: ${days}. Jeśli zalogujesz się wcześniej, konto pozostanie.`,
    confirm: (name) => `Wpisz ${name}, aby potwierdzić`,
    submit: 'Usuń moje konto',
    lastAdmin: 'To jedyne konto administratora. Najpierw nadaj tę rolę innemu użytkownikowi.',
    scheduledTitle: 'Twoje konto zostanie usunięte',
    scheduledText: (days) =>
      `Wylogowano Cię wszędzie. Konto zostanie usunięte po upływie: ${days}. Aby je zachować, zaloguj się wcześniej.`,
  },
}
