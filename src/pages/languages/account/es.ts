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
    sessions: 'Dispositivos y sesiones',
    applications: 'Aplicaciones conectadas',
    data: 'Descargar tus datos',
    deletion: 'Eliminar tu cuenta',
  },
  notices: {
    profileSaved: 'Tu perfil está guardado.',
    addressRequested:
      'Hay un correo con un enlace en camino a la dirección nueva. Tu dirección cambia cuando uses el enlace en el plazo de una hora.',
    passwordChanged: 'Tu contraseña ha cambiado. Tu sesión se ha cerrado en todos los demás dispositivos.',
    sessionEnded: 'La sesión ha terminado.',
    othersEnded: 'Tu sesión se ha cerrado en todos los demás dispositivos.',
    accessWithdrawn: 'La aplicación ya no tiene acceso a tu cuenta.',
  },
  profile: {
    name: 'Nombre completo',
    givenName: 'Nombre',
    familyName: 'Apellidos',
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
