import { es as accountPage } from './account/es.ts'
import type { Texts } from './en.ts'

/** The Spanish texts. They address the user as "tú". */
export const es: Texts = {
  cancel: 'Cancelar',
  useAnotherAccount: 'Usar otra cuenta',
  username: 'Nombre de usuario',
  signIn: {
    title: 'Iniciar sesión',
    to: (client) => `para continuar en ${client}`,
    password: 'Contraseña',
    passkey: 'Iniciar sesión con una llave de acceso',
    emailCode: 'Enviarme un código por correo',
    signUp: 'Crear una cuenta',
    guest: 'Continuar como invitado',
  },
  account: {
    title: 'Elige una cuenta',
    signedInAs: (name) => `Has iniciado sesión como ${name}`,
    choose: (client) => `Elige la cuenta para ${client}.`,
    keep: (name) => `Continuar como ${name}`,
  },
  accountPage,
  emailCode: {
    title: 'Revisa tu correo',
    text: (name) =>
      `Si ${name} tiene una cuenta con una dirección confirmada, hay un correo con un código en camino. El código es válido durante 10 minutos en este navegador.`,
    code: 'Código de 6 cifras',
    submit: 'Iniciar sesión',
    again: 'Enviar un código nuevo',
    other: 'Usar una contraseña u otra dirección',
  },
  signUp: {
    title: 'Crear una cuenta',
    address: 'Dirección de correo',
    hint: 'Recibirás un código por correo.',
    submit: 'Continuar',
    signIn: 'Ya tengo una cuenta',
    mail: (address) =>
      `Hay un correo en camino a ${address}. Introduce aquí su código. Es válido durante 10 minutos en este navegador. Si la dirección ya tiene una cuenta, el correo lo dice.`,
    otherAddress: 'Usar otra dirección',
  },
  createAccount: {
    title: 'Elige una contraseña',
    name: 'Nombre (opcional)',
    again: 'Repite la contraseña',
    submit: 'Crear cuenta',
  },
  forgotten: {
    link: '¿Olvidaste tu contraseña?',
    title: 'Contraseña olvidada',
    text: 'Escribe tu nombre de usuario o tu dirección de correo. Recibirás por correo un enlace para elegir una contraseña nueva.',
    submit: 'Enviar el enlace',
    sent: 'Si este nombre tiene una cuenta con una dirección confirmada, hay un correo con un enlace en camino. El enlace es válido durante 30 minutos. Cierra esta página o vuelve al inicio de sesión después de elegir una contraseña nueva.',
    back: 'Volver al inicio de sesión',
  },
  newPassword: {
    text: 'La contraseña nueva cerrará la sesión de la cuenta en todos los dispositivos.',
    doneTitle: 'Tu contraseña está guardada',
    done: 'Ya puedes iniciar sesión con la contraseña.',
  },
  confirmAddress: {
    title: 'Confirmar la dirección de correo',
    text: (address, username) => `¿Usar ${address} para la cuenta ${username}?`,
    ignore: 'Si no conoces esta cuenta, cierra esta página. Nada cambia sin ti.',
    doneTitle: 'Tu dirección de correo está confirmada',
    done: 'A partir de ahora, los correos llegan a la dirección nueva.',
  },
  voidLink: {
    title: 'Este enlace ya no es válido',
    text: 'Se ha usado, ha caducado o la cuenta ha cambiado desde que se envió el correo.',
    again: 'Pedir un enlace nuevo',
  },
  endSessions: {
    title: '¿Cerrar todas las sesiones?',
    text: 'Cada navegador y aplicación que use tu cuenta tendrá que iniciar sesión de nuevo.',
    submit: 'Cerrar todas las sesiones',
    doneTitle: 'Todas las sesiones están cerradas',
    done: 'Cada navegador y aplicación tiene que iniciar sesión de nuevo. Elige ahora una contraseña nueva, porque otra persona puede conocer la actual.',
    choose: 'Elegir una contraseña nueva',
  },
  passkey: {
    notUsed:
      'No se ha usado ninguna llave de acceso. Inténtalo de nuevo o elige otra forma de iniciar sesión.',
    unsupported:
      'Las llaves de acceso no funcionan en este navegador. Usa un navegador actual y permite los scripts.',
  },
  secondFactor: {
    title: 'Confirma que eres tú',
    text: (name) => `Introduce el código que tu aplicación de autenticación muestra para ${name}.`,
    byPasskey: (name) => `Usa la llave de acceso de ${name}.`,
    passkey: 'Usar una llave de acceso',
    code: 'Código de 6 cifras',
    submit: 'Continuar',
    lost: 'Usar un código de recuperación',
    recoveryCode: 'Código de recuperación',
    recoveryHint: 'Cada código de recuperación funciona una vez.',
    submitRecovery: 'Continuar con el código de recuperación',
  },
  emailSecondFactor: {
    ask: (name) => `Podemos enviar un código a la dirección confirmada de ${name}.`,
    sent: (name) =>
      `Hay un correo con un código en camino a la dirección confirmada de ${name}. El código vale 10 minutos en este navegador.`,
  },
  setUp: {
    title: 'Configurar un segundo factor',
    reason: 'Tu cuenta necesita un código de una aplicación de autenticación además de la contraseña.',
    scan: 'Escanea este código QR con tu aplicación de autenticación.',
    qr: 'Código QR para la aplicación de autenticación',
    open: 'Abrir la aplicación de autenticación en este dispositivo',
    key: 'O introduce esta clave en la aplicación:',
    code: 'Código de 6 cifras de la aplicación',
    submit: 'Confirmar el código',
    passkey: 'Usar una llave de acceso en su lugar',
  },
  recoveryCodes: {
    title: 'Guarda tus códigos de recuperación',
    text: 'Cada código sustituye una vez a tu aplicación de autenticación. Guarda los códigos en un lugar seguro, por ejemplo en un gestor de contraseñas. No se muestran de nuevo.',
    submit: 'He guardado los códigos',
  },
  addPasskey: {
    title: 'Añadir una llave de acceso',
    offer:
      'Con una llave de acceso inicias sesión con tu huella, tu cara o el bloqueo de tu dispositivo. No necesitas contraseña.',
    reason:
      'Tu cuenta necesita una llave de acceso. Con ella inicias sesión con tu huella, tu cara o el bloqueo de tu dispositivo.',
    submit: 'Crear una llave de acceso',
    later: 'Ahora no',
    notCreated: 'No se ha creado ninguna llave de acceso. Inténtalo de nuevo.',
    exists: 'Este dispositivo ya tiene una llave de acceso de esta cuenta.',
  },
  password: {
    title: 'Elige una contraseña nueva',
    reason:
      'Tu cuenta necesita una contraseña nueva para continuar. La contraseña nueva cerrará tu sesión en todos los demás dispositivos.',
    current: 'Contraseña actual',
    next: 'Contraseña nueva',
    again: 'Repite la contraseña nueva',
    submit: 'Guardar contraseña',
  },
  documentError: {
    title: 'Ahora no se puede comprobar esta aplicación',
    refusedTitle: 'Esta aplicación no está aceptada',
    causes: {
      host: (host) => `Este servicio no acepta aplicaciones de ${host}.`,
      url: () => 'La dirección que identifica la aplicación no es una dirección https pública.',
      connection: (host) => `No se puede acceder al servidor ${host}.`,
      timeout: (host) => `El servidor ${host} no ha respondido a tiempo.`,
      redirect: (host) => `El servidor ${host} redirige a otra dirección, y eso no está permitido.`,
      status: (host) => `El servidor ${host} ha respondido con un error.`,
      size: (host) => `La descripción de la aplicación en ${host} es demasiado larga.`,
      content: (host) => `La descripción de la aplicación en ${host} tiene errores.`,
    },
    help: 'No se ha cambiado nada. Vuelve a la aplicación e inténtalo más tarde.',
    refusedHelp: 'No se ha cambiado nada. Vuelve a la aplicación.',
  },
  consent: {
    title: 'Permitir el acceso',
    question: (client) => `¿Permitir que ${client} use tu cuenta?`,
    scopes: 'La aplicación tendrá acceso a:',
    newScopes: 'Nuevo:',
    earlierScopes: 'Ya permitido:',
    everything: (api) => `La aplicación podrá hacer todo lo que tu cuenta puede hacer en ${api}.`,
    describedAt: 'La aplicación se describe a sí misma en:',
    onDevice: 'Esta aplicación se ejecuta en tu dispositivo. Permite el acceso solo si acabas de abrirla.',
    returnTo: 'Después volverás a:',
    allow: 'Permitir',
    privacy: 'Política de privacidad de la aplicación',
    terms: 'Condiciones de uso de la aplicación',
  },
  scopes: {
    openid: 'El identificador de tu cuenta',
    profile: 'Tu nombre y tu idioma',
    email: 'Tu dirección de correo electrónico',
  },
  leave: {
    title: 'Continuar',
    text: (host) => `Te estamos redirigiendo a ${host}. Si no ocurre nada, pulsa el botón.`,
    submit: 'Continuar',
  },
  signOut: { title: '¿Cerrar sesión?', submit: 'Cerrar sesión', stay: 'Mantener la sesión iniciada' },
  signedOut: {
    title: 'Has cerrado sesión',
    text: 'Puedes cerrar esta página o volver a la aplicación.',
  },
  links: { privacy: 'Privacidad', terms: 'Condiciones de uso', help: 'Ayuda' },
  problems: {
    wrongCredentials:
      'El nombre de usuario o la contraseña no son correctos. Comprueba ambos e inténtalo de nuevo.',
    tooManyAttempts: (when) => `Ha habido demasiados intentos. Inténtalo de nuevo ${when}.`,
    busy: (when) => `El servicio está saturado. Inténtalo de nuevo ${when}.`,
    wrongCode: {
      totp: 'El código es incorrecto o ya se usó. Introduce el código actual de la aplicación.',
      recovery_code: 'El código de recuperación es incorrecto o ya se usó. Introduce otro.',
      email_code: 'El código es incorrecto o ya no es válido. Revísalo o pide uno nuevo.',
    },
    refusedPasskey:
      'Esta llave de acceso no funciona aquí. Elige otra llave de acceso u otra forma de iniciar sesión.',
    unusablePasskey: 'No se ha podido añadir la llave de acceso. Inténtalo de nuevo.',
    missingName: 'Escribe tu nombre de usuario o tu dirección de correo.',
    noAddress: 'Escribe una dirección de correo, por ejemplo zoe@example.com.',
    wrongCurrentPassword: 'La contraseña actual no es correcta. Escríbela otra vez.',
    differentPasswords: 'Las dos contraseñas nuevas son distintas. Escríbelas otra vez.',
    passwordLength: (shortest, longest) =>
      `La contraseña nueva debe tener entre ${shortest} y ${longest} caracteres. Elige otra contraseña.`,
    commonPassword: 'Esta contraseña es muy común, así que es fácil de adivinar. Elige otra contraseña.',
    breachedPassword: 'Esta contraseña está en una lista de contraseñas robadas. Elige otra contraseña.',
    samePassword: 'Elige una contraseña distinta de la actual.',
    changedMeanwhile: 'El perfil se ha cambiado en otro lugar. Compruébalo y guarda de nuevo.',
    refusedText: (longest) => `Usa como máximo ${longest} caracteres en una línea.`,
    wrongName: 'Escribe el nombre exactamente como se muestra.',
    otherAccount: 'La aplicación pide otra cuenta. Inicia sesión con esa cuenta o cancela.',
    expiredForm:
      'La página ha estado abierta demasiado tiempo. No se ha realizado ninguna acción. Inténtalo de nuevo.',
    noCookie:
      'Tu navegador no ha enviado ninguna cookie. No se ha realizado ninguna acción. Permite las cookies de este sitio e inténtalo de nuevo.',
    otherBrowser:
      'El formulario es de otro navegador. No se ha realizado ninguna acción. Comprueba la cuenta e inténtalo de nuevo.',
    otherSession:
      'Tu sesión ha cambiado desde que se abrió esta página. No se ha realizado ninguna acción. Comprueba la cuenta y continúa.',
  },
  errors: {
    number: (status) => `Error ${status}`,
    link: {
      title: 'Este enlace de inicio de sesión no funciona',
      text: 'El enlace es incorrecto, está incompleto o es demasiado antiguo. Vuelve a la aplicación y empieza de nuevo.',
    },
    logout: {
      title: 'Este enlace de cierre de sesión no funciona',
      text: 'No se ha cambiado nada. Vuelve a la aplicación y cierra sesión allí.',
    },
    form: {
      title: 'Este formulario ya no funciona',
      text: 'No se ha cambiado nada. Vuelve a la aplicación y empieza de nuevo.',
    },
    forged: {
      title: 'Este formulario no se ha enviado desde este sitio',
      text: 'No se ha cambiado nada. Vuelve a la aplicación y empieza de nuevo.',
    },
    notFound: {
      title: 'Página no encontrada',
      text: 'La dirección es incorrecta. Vuelve a la aplicación y empieza de nuevo.',
    },
    unavailable: {
      title: 'No disponible en este momento',
      text: 'Espera un momento y vuelve a cargar esta página.',
    },
    unexpected: {
      title: 'Algo ha fallado',
      text: 'Vuelve a cargar esta página. Si falla otra vez, vuelve a la aplicación y empieza de nuevo.',
    },
  },
}
