import type { MailTexts } from './en.ts'

/** The Spanish texts. They address the user as "tú". */
export const es: MailTexts = {
  kinds: {
    verify_sign_up: {
      subject: (name) => `Tu código para una cuenta nueva en ${name}`,
      text: (name) =>
        `Introduce este código en ${name} para crear tu cuenta. No se lo digas a ninguna otra persona, tampoco a ${name}.`,
    },
    address_has_account: {
      subject: (name) => `Ya tienes una cuenta en ${name}`,
      text: (name) =>
        `Se ha solicitado una cuenta en ${name} con esta dirección de correo. Ya tienes una cuenta, así que no se ha cambiado nada. Inicia sesión para usarla.`,
      action: 'Iniciar sesión',
    },
    email_code: {
      subject: (name) => `Tu código para ${name}`,
      text: (name) =>
        `Introduce este código en ${name}. No se lo digas a ninguna otra persona, tampoco a ${name}.`,
    },
    reset_password: {
      subject: (name) => `Elige una contraseña nueva para ${name}`,
      text: (name) => `Se ha solicitado una contraseña nueva para tu cuenta en ${name}.`,
      action: 'Elegir una contraseña nueva',
    },
    confirm_new_address: {
      subject: (name) => `Confirma tu nueva dirección de correo para ${name}`,
      text: (name) => `Confirma esta dirección de correo para usarla con tu cuenta en ${name}.`,
      action: 'Confirmar la dirección',
    },
    address_changes: {
      subject: (name) => `Nueva dirección de correo para tu cuenta en ${name}`,
      text: (name) =>
        `Se ha solicitado una nueva dirección de correo para tu cuenta en ${name}. Cuando se confirme, los correos llegarán solo a la dirección nueva.`,
    },
    address_changed: {
      subject: (name) => `Se ha cambiado la dirección de correo de tu cuenta en ${name}`,
      text: (name) =>
        `Se ha cambiado la dirección de correo de tu cuenta en ${name}. Los correos llegarán solo a la dirección nueva.`,
    },
    password_changed: {
      subject: (name) => `Tu contraseña de ${name} ha cambiado`,
      text: (name) => `Se ha cambiado la contraseña de tu cuenta en ${name}.`,
    },
    factor_changed: {
      subject: (name) => `Han cambiado tus formas de iniciar sesión en ${name}`,
      text: (name) => `Esto afecta a tu cuenta en ${name}.`,
    },
    new_device: {
      subject: (name) => `Nuevo inicio de sesión en tu cuenta de ${name}`,
      text: (name) => `Tu cuenta en ${name} se ha usado en un dispositivo nuevo o en un lugar nuevo.`,
    },
    token_theft: {
      subject: (name) => `Se ha cerrado una sesión de tu cuenta en ${name}`,
      text: (name) => `Una sesión de tu cuenta en ${name} se ha usado en dos lugares, por eso se ha cerrado.`,
    },
    invitation: {
      subject: (name) => `Tu cuenta en ${name}`,
      text: (name) => `Se ha creado una cuenta para ti en ${name}. Elige una contraseña para usarla.`,
      action: 'Elegir una contraseña',
    },
    deletion_scheduled: {
      subject: (name) => `Tu cuenta en ${name} se eliminará`,
      text: (name) =>
        `Se ha solicitado eliminar tu cuenta en ${name}. Si inicias sesión antes de esa fecha, se conserva.`,
    },
    deletion_cancelled: {
      subject: (name) => `Tu cuenta en ${name} no se eliminará`,
      text: (name) => `Un inicio de sesión ha cancelado la eliminación de tu cuenta en ${name}.`,
    },
    more_needed: {
      subject: (name) => `Un inicio de sesión en tu cuenta de ${name} está incompleto`,
      text: (name) =>
        `Se ha introducido tu contraseña de ${name}, pero falta el segundo paso del inicio de sesión.`,
    },
  },
  changes: {
    totp_added: 'Se ha añadido una aplicación de autenticación.',
    totp_removed: 'Se ha eliminado la aplicación de autenticación.',
    passkey_added: 'Se ha añadido una llave de acceso.',
    passkey_removed: 'Se ha eliminado una llave de acceso.',
    recovery_codes_renewed: 'Hay códigos de recuperación nuevos. Los anteriores ya no funcionan.',
    recovery_code_used: 'Se ha usado un código de recuperación para iniciar sesión.',
  },
  linkLifetime: (duration) => `El enlace funciona una sola vez, durante ${duration}.`,
  codeLifetime: (duration) => `El código funciona una sola vez, durante ${duration}.`,
  deletion: (date) => `Fecha de eliminación: ${date}.`,
  notRequested: 'Si no has solicitado este correo, puedes ignorarlo. Nada cambia sin ti.',
  passwordKnown:
    'Si no acabas de escribir tu contraseña, otra persona la conoce. Elige una contraseña nueva.',
  notYou: 'Si no has sido tú, cierra todas las sesiones y elige una contraseña nueva.',
  endSessions: 'Cerrar todas las sesiones',
  facts: { at: 'Fecha', device: 'Dispositivo', country: 'País' },
  links: { privacy: 'Privacidad', terms: 'Condiciones de uso', help: 'Ayuda' },
}
