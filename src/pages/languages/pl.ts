import { pl as accountPage } from './account/pl.ts'
import type { Texts } from './en.ts'

/**
 * The Polish texts. They address the user as "ty", with a capital in "Twój", without a word that depends on the gender of the user.
 * A name of an application is not declined: a colon or the word "aplikacja" stands before it.
 */
export const pl: Texts = {
  cancel: 'Anuluj',
  useAnotherAccount: 'Użyj innego konta',
  username: 'Nazwa użytkownika',
  signIn: {
    title: 'Zaloguj się',
    to: (client) => `aby przejść do: ${client}`,
    password: 'Hasło',
    passkey: 'Zaloguj się kluczem dostępu',
    emailCode: 'Wyślij mi kod e-mailem',
    signUp: 'Załóż konto',
    guest: 'Kontynuuj jako gość',
  },
  account: {
    title: 'Wybierz konto',
    signedInAs: (name) => `Zalogowano jako ${name}`,
    choose: (client) => `Wybierz konto dla: ${client}.`,
    keep: (name) => `Kontynuuj jako ${name}`,
  },
  accountPage,
  emailCode: {
    title: 'Sprawdź swoją pocztę',
    text: (name) =>
      `Jeśli ${name} ma konto z potwierdzonym adresem, wiadomość z kodem jest w drodze. Kod działa przez 10 minut w tej przeglądarce.`,
    code: 'Kod z 6 cyfr',
    submit: 'Zaloguj się',
    again: 'Wyślij nowy kod',
    other: 'Użyj hasła lub innego adresu',
  },
  signUp: {
    title: 'Załóż konto',
    address: 'Adres e-mail',
    hint: 'Otrzymasz kod w wiadomości e-mail.',
    submit: 'Dalej',
    signIn: 'Mam już konto',
    mail: (address) =>
      `Wiadomość na adres ${address} jest w drodze. Wpisz tutaj kod z tej wiadomości. Działa przez 10 minut w tej przeglądarce. Jeśli ten adres ma już konto, wiadomość o tym informuje.`,
    otherAddress: 'Użyj innego adresu',
  },
  createAccount: {
    title: 'Wybierz hasło',
    name: 'Imię i nazwisko (opcjonalnie)',
    again: 'Powtórz hasło',
    submit: 'Załóż konto',
  },
  forgotten: {
    link: 'Nie pamiętasz hasła?',
    title: 'Zapomniane hasło',
    text: 'Podaj nazwę użytkownika lub adres e-mail. Otrzymasz wiadomość z linkiem do nowego hasła.',
    submit: 'Wyślij link',
    sent: 'Jeśli ta nazwa ma konto z potwierdzonym adresem, wiadomość z linkiem jest w drodze. Link działa przez 30 minut. Zamknij tę stronę lub wróć do logowania po wybraniu nowego hasła.',
    back: 'Wróć do logowania',
  },
  newPassword: {
    text: 'Nowe hasło spowoduje wylogowanie z konta na wszystkich urządzeniach.',
    doneTitle: 'Hasło zostało zapisane',
    done: 'Możesz teraz zalogować się hasłem.',
  },
  confirmAddress: {
    title: 'Potwierdź adres e-mail',
    text: (address, username) => `Czy używać adresu ${address} do konta ${username}?`,
    ignore: 'Jeśli nie znasz tego konta, zamknij tę stronę. Bez Ciebie nic się nie zmieni.',
    doneTitle: 'Adres e-mail został potwierdzony',
    done: 'Od teraz wiadomości trafiają na nowy adres.',
  },
  voidLink: {
    title: 'Ten link już nie działa',
    text: 'Został użyty, wygasł albo konto zmieniło się od wysłania wiadomości.',
    again: 'Poproś o nowy link',
  },
  endSessions: {
    title: 'Zakończyć wszystkie sesje?',
    text: 'Każda przeglądarka i aplikacja, która używa Twojego konta, będzie musiała zalogować się ponownie.',
    submit: 'Zakończ wszystkie sesje',
    doneTitle: 'Wszystkie sesje zostały zakończone',
    done: 'Każda przeglądarka i aplikacja musi zalogować się ponownie. Wybierz teraz nowe hasło, ponieważ inna osoba może znać obecne.',
    choose: 'Wybierz nowe hasło',
  },
  passkey: {
    notUsed: 'Nie użyto klucza dostępu. Spróbuj jeszcze raz albo wybierz inny sposób logowania.',
    unsupported:
      'Klucze dostępu nie działają w tej przeglądarce. Użyj aktualnej przeglądarki i zezwól na skrypty.',
  },
  secondFactor: {
    title: 'Potwierdź swoją tożsamość',
    text: (name) => `Wpisz kod, który aplikacja uwierzytelniająca pokazuje dla ${name}.`,
    byPasskey: (name) => `Użyj klucza dostępu konta ${name}.`,
    passkey: 'Użyj klucza dostępu',
    code: 'Kod z 6 cyfr',
    submit: 'Dalej',
    lost: 'Użyj kodu odzyskiwania',
    recoveryCode: 'Kod odzyskiwania',
    recoveryHint: 'Każdy kod odzyskiwania działa jeden raz.',
    submitRecovery: 'Dalej z kodem odzyskiwania',
  },
  emailSecondFactor: {
    ask: (name) => `Możemy wysłać kod na potwierdzony adres użytkownika ${name}.`,
    sent: (name) =>
      `Wiadomość z kodem jest w drodze na potwierdzony adres użytkownika ${name}. Kod działa przez 10 minut w tej przeglądarce.`,
  },
  setUp: {
    title: 'Skonfiguruj drugi składnik',
    reason: 'Twoje konto wymaga oprócz hasła kodu z aplikacji uwierzytelniającej.',
    scan: 'Zeskanuj ten kod QR aplikacją uwierzytelniającą.',
    qr: 'Kod QR dla aplikacji uwierzytelniającej',
    open: 'Otwórz aplikację uwierzytelniającą na tym urządzeniu',
    key: 'Albo wpisz ten klucz w aplikacji:',
    code: 'Kod z 6 cyfr z aplikacji',
    submit: 'Potwierdź kod',
    passkey: 'Użyj zamiast tego klucza dostępu',
  },
  recoveryCodes: {
    title: 'Zachowaj kody odzyskiwania',
    text: 'Każdy kod zastępuje jeden raz aplikację uwierzytelniającą. Przechowuj kody w bezpiecznym miejscu, na przykład w menedżerze haseł. Nie pokażemy ich ponownie.',
    submit: 'Kody są zachowane',
  },
  addPasskey: {
    title: 'Dodaj klucz dostępu',
    offer:
      'Klucz dostępu loguje Cię odciskiem palca, twarzą lub blokadą urządzenia. Hasło nie jest potrzebne.',
    reason: 'Twoje konto wymaga klucza dostępu. Loguje Cię odciskiem palca, twarzą lub blokadą urządzenia.',
    submit: 'Utwórz klucz dostępu',
    later: 'Nie teraz',
    notCreated: 'Nie utworzono klucza dostępu. Spróbuj jeszcze raz.',
    exists: 'To urządzenie ma już klucz dostępu tego konta.',
  },
  password: {
    title: 'Wybierz nowe hasło',
    reason:
      'Aby przejść dalej, ustaw nowe hasło do swojego konta. Nowe hasło spowoduje wylogowanie na wszystkich innych urządzeniach.',
    current: 'Obecne hasło',
    next: 'Nowe hasło',
    again: 'Powtórz nowe hasło',
    submit: 'Zapisz hasło',
  },
  documentError: {
    title: 'Nie można teraz sprawdzić tej aplikacji',
    refusedTitle: 'Ta aplikacja nie jest przyjmowana',
    causes: {
      host: (host) => `Ta usługa nie przyjmuje aplikacji z ${host}.`,
      url: () => 'Adres, który wskazuje aplikację, nie jest publicznym adresem https.',
      connection: (host) => `Nie można połączyć się z serwerem ${host}.`,
      timeout: (host) => `Serwer ${host} nie odpowiedział na czas.`,
      redirect: (host) => `Serwer ${host} przekierowuje na inny adres, a to jest niedozwolone.`,
      status: (host) => `Serwer ${host} odpowiedział błędem.`,
      size: (host) => `Opis aplikacji na serwerze ${host} jest za długi.`,
      content: (host) => `Opis aplikacji na serwerze ${host} zawiera błędy.`,
    },
    help: 'Niczego nie zmieniono. Wróć do aplikacji i spróbuj ponownie później.',
    refusedHelp: 'Niczego nie zmieniono. Wróć do aplikacji.',
  },
  consent: {
    title: 'Zezwól na dostęp',
    question: (client) => `Zezwolić aplikacji ${client} na korzystanie z Twojego konta?`,
    scopes: 'Aplikacja otrzyma dostęp do tych danych:',
    newScopes: 'Nowe:',
    earlierScopes: 'Już dozwolone:',
    everything: (api) => `Aplikacja będzie mogła robić wszystko, co może robić Twoje konto w ${api}.`,
    describedAt: 'Aplikacja opisuje się na serwerze:',
    onDevice:
      'Ta aplikacja działa na Twoim urządzeniu. Zezwól na dostęp tylko wtedy, gdy właśnie ją uruchomiono z Twojej woli.',
    returnTo: 'Potem wrócisz do:',
    allow: 'Zezwól',
    privacy: 'Polityka prywatności aplikacji',
    terms: 'Regulamin aplikacji',
  },
  scopes: {
    openid: 'Identyfikator Twojego konta',
    profile: 'Twoje imię i nazwisko oraz język',
    email: 'Twój adres e-mail',
  },
  leave: {
    title: 'Dalej',
    text: (host) => `Przechodzisz do ${host}. Jeśli nic się nie dzieje, naciśnij przycisk.`,
    submit: 'Dalej',
  },
  signOut: { title: 'Wylogować się?', submit: 'Wyloguj się', stay: 'Nie wylogowuj się' },
  signedOut: {
    title: 'Wylogowano',
    text: 'Możesz zamknąć tę stronę lub wrócić do aplikacji.',
  },
  links: { privacy: 'Prywatność', terms: 'Regulamin', help: 'Pomoc' },
  problems: {
    wrongCredentials:
      'Nieprawidłowa nazwa użytkownika lub hasło. Sprawdź jedno i drugie, a potem spróbuj ponownie.',
    tooManyAttempts: (when) => `Było zbyt wiele prób. Spróbuj ponownie ${when}.`,
    busy: (when) => `Usługa jest przeciążona. Spróbuj ponownie ${when}.`,
    wrongCode: {
      totp: 'Kod jest nieprawidłowy lub został już użyty. Wpisz aktualny kod z aplikacji.',
      recovery_code: 'Kod odzyskiwania jest nieprawidłowy lub został już użyty. Wpisz inny.',
      email_code: 'Kod jest nieprawidłowy lub już nieważny. Sprawdź go albo poproś o nowy.',
    },
    refusedPasskey: 'Ten klucz dostępu tu nie działa. Wybierz inny klucz dostępu albo inny sposób logowania.',
    unusablePasskey: 'Nie udało się dodać klucza dostępu. Spróbuj jeszcze raz.',
    missingName: 'Wpisz nazwę użytkownika lub adres e-mail.',
    noAddress: 'Wpisz adres e-mail, na przykład zoe@example.com.',
    wrongCurrentPassword: 'Obecne hasło jest nieprawidłowe. Wpisz je jeszcze raz.',
    differentPasswords: 'Nowe hasła się różnią. Wpisz oba jeszcze raz.',
    passwordLength: (shortest, longest) =>
      `Nowe hasło musi mieć od ${shortest} do ${longest} znaków. Wybierz inne hasło.`,
    commonPassword: 'To hasło jest bardzo popularne, więc łatwo je odgadnąć. Wybierz inne hasło.',
    breachedPassword: 'To hasło jest na liście skradzionych haseł. Wybierz inne hasło.',
    samePassword: 'Wybierz hasło inne niż obecne.',
    changedMeanwhile: 'Profil został zmieniony w innym miejscu. Sprawdź go i zapisz ponownie.',
    refusedText: (longest) => `Użyj najwyżej ${longest} znaków w jednym wierszu.`,
    wrongName: 'Wpisz nazwę dokładnie tak, jak jest pokazana.',
    otherAccount: 'Aplikacja wymaga innego konta. Zaloguj się na to konto lub anuluj.',
    expiredForm: 'Strona była otwarta zbyt długo. Nie wykonano żadnej czynności. Spróbuj ponownie.',
    noCookie:
      'Przeglądarka nie wysłała pliku cookie. Nie wykonano żadnej czynności. Zezwól tej witrynie na pliki cookie i spróbuj ponownie.',
    otherBrowser:
      'Formularz pochodzi z innej przeglądarki. Nie wykonano żadnej czynności. Sprawdź konto i spróbuj ponownie.',
    otherSession:
      'Stan logowania zmienił się od czasu otwarcia tej strony. Nie wykonano żadnej czynności. Sprawdź konto i kontynuuj.',
  },
  errors: {
    number: (status) => `Błąd ${status}`,
    link: {
      title: 'Ten link do logowania nie działa',
      text: 'Link jest nieprawidłowy, niepełny lub zbyt stary. Wróć do aplikacji i zacznij od nowa.',
    },
    logout: {
      title: 'Ten link do wylogowania nie działa',
      text: 'Nic nie zmieniono. Wróć do aplikacji i wyloguj się w niej.',
    },
    form: {
      title: 'Ten formularz już nie działa',
      text: 'Nic nie zmieniono. Wróć do aplikacji i zacznij od nowa.',
    },
    forged: {
      title: 'Ten formularz nie został wysłany z tej witryny',
      text: 'Nic nie zmieniono. Wróć do aplikacji i zacznij od nowa.',
    },
    notFound: {
      title: 'Nie znaleziono strony',
      text: 'Adres jest nieprawidłowy. Wróć do aplikacji i zacznij od nowa.',
    },
    unavailable: {
      title: 'Chwilowo niedostępne',
      text: 'Poczekaj chwilę i odśwież tę stronę.',
    },
    unexpected: {
      title: 'Coś poszło nie tak',
      text: 'Odśwież tę stronę. Jeśli to nie pomoże, wróć do aplikacji i zacznij od nowa.',
    },
  },
}
