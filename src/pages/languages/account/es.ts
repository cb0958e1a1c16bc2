import type { AccountTexts } from './en.ts'

/** The texts of the account pages in the language of `../es.ts`. */
export const es: AccountTexts = {
  title: 'Tu cuenta',
  back: 'Volver a tu cuenta',
  notSignedIn: 'No has iniciado sesión. No se ha cambiado nada.',
  chooseTitle: '¿Qué cuenta quieres abrir?',
  sections: {
    profile: 'Perfil',
    address: 'Dirección de correo',
    password: 'Contraseña',
    passkeys: 'Llaves de acceso',
    secondFactor: 'Segundo factor',
    sessions: 'Dispositivos y sesiones',
    applications: 'Aplicaciones conectadas',
    data: 'Descargar tus datos',
    deletion: 'Eliminar tu cuenta',
  },
  notices: {
    profileSaved: 'Tu perfil está guardado.',
    addressRequested:
      'Hay un correo con un enlace en camino a la dirección nueva. Tu dirección cambiará cuando uses el enlace, en el plazo de una hora.',
    passwordChanged: 'Tu contraseña ha cambiado. Tu sesión se ha cerrado en todos los demás dispositivos.',
    passkeyAdded: 'La llave de acceso se ha añadido.',
    passkeyRenamed: 'El nombre de la llave de acceso se ha guardado.',
    passkeyRemoved: 'La llave de acceso se ha eliminado. Bórrala también de tu dispositivo.',
    appRemoved: 'La aplicación de autenticación se ha eliminado.',
    sessionEnded: 'La sesión se ha cerrado.',
    othersEnded: 'Tu sesión se ha cerrado en todos los demás dispositivos.',
    accessWithdrawn: 'La aplicación ya no tiene acceso a tu cuenta.',
  },
  profile: {
    name: 'Nombre completo',
    givenName: 'Nombre',
    familyName: 'Apellidos',
    locale: 'Idioma de los correos',
    noLocale: 'Sin elegir',
    submit: 'Guardar',
  },
  address: {
    current: (email) => `Tu dirección de correo es ${email}.`,
    text: 'Confirmas la dirección nueva con un enlace en un correo a esa dirección. Hasta entonces no cambia nada.',
    next: 'Dirección de correo nueva',
    submit: 'Enviar el enlace',
  },
  password: {
    text: 'La contraseña nueva cerrará tu sesión en todos los demás dispositivos.',
  },
  passkeys: {
    text: 'Con una llave de acceso inicias sesión con tu huella, tu cara o el bloqueo de tu dispositivo.',
    none: 'No tienes ninguna llave de acceso. Con una llave de acceso inicias sesión con tu huella, tu cara o el bloqueo de tu dispositivo.',
    required: 'Tu cuenta necesita esta llave de acceso, así que no puedes eliminarla. Añade primero otra.',
    added: (time) => `Añadida: ${time}`,
    used: (time) => `Último uso: ${time}`,
    unused: 'Sin usar todavía',
    name: 'Nombre de la llave de acceso',
    rename: 'Guardar el nombre',
    remove: 'Eliminar',
  },
  secondFactor: {
    has: 'Cuando inicias sesión con la contraseña, tu cuenta pide un código de tu aplicación de autenticación.',
    none: 'Con un segundo factor, una contraseña robada no basta para iniciar sesión.',
    required: 'Tu cuenta necesita un segundo factor, así que no puedes eliminar la aplicación.',
    newCodes: 'Reemplazar los códigos de recuperación',
    newCodesText: 'Los códigos de recuperación nuevos reemplazan a los anteriores.',
    replace: 'Usar otra aplicación',
    remove: 'Eliminar la aplicación',
    removeText: 'Los códigos de recuperación se eliminan con la aplicación.',
  },
  sessions: {
    text: 'Estas aplicaciones han iniciado sesión en tu cuenta.',
    none: 'Ninguna aplicación ha iniciado sesión en tu cuenta.',
    unknownDevice: 'Dispositivo desconocido',
    thisBrowser: 'Este navegador',
    began: (time) => `Inicio de sesión: ${time}`,
    used: (time) => `Último uso: ${time}`,
    end: 'Cerrar la sesión',
    othersText:
      'Puedes cerrar todas las sesiones excepto la de esta página, también las que no están en la lista.',
    others: 'Cerrar sesión en todos los demás sitios',
  },
  applications: {
    text: 'Has permitido que estas aplicaciones usen tu cuenta.',
    none: 'No has permitido que ninguna otra aplicación use tu cuenta.',
    api: (name) => `Acceso a: ${name}`,
    since: (time) => `Permitida: ${time}`,
    withdraw: 'Retirar el acceso',
  },
  data: {
    text: 'El archivo contiene los datos guardados sobre tu cuenta, tus sesiones y tus inicios de sesión. Tiene el formato JSON.',
    submit: 'Descargar',
  },
  deletion: {
    text: (days) =>
      `Tu sesión se cierra en todas partes de inmediato. Tu cuenta y sus datos se borran después de ${days}. Si inicias sesión antes, la cuenta se conserva.`,
    confirm: (name) => `Escribe ${name} para confirmar`,
    submit: 'Eliminar mi cuenta',
    lastAdmin: 'Eres el único administrador. Nombra antes a otro administrador.',
    scheduledTitle: 'Tu cuenta se eliminará',
    scheduledText: (days) =>
      `Tu sesión se ha cerrado en todas partes. Tu cuenta se borra después de ${days}. Para conservarla, inicia sesión antes.`,
  },
}
