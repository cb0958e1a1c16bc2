import { byId, say } from './element.js'

/** The inputs of the field for a code. */
const CODES = ['emailCode', 'totp', 'recoveryCode']

/** The form of the shop in the dialog: email and password, then a code if the token service asks for one. */
export class SignInForm {
  #client
  #form = byId('sign-in-form')
  /** The sign-in that waits for a code; null before. */
  #step = null

  constructor(client) {
    this.#client = client
  }

  reset() {
    this.#form.reset()
    say(byId('sign-in-error'), null)
    this.#show(null)
  }

  fillIn({ username, password }) {
    this.#form.elements.username.value = username
    this.#form.elements.password.value = password
  }

  /** Sends the password or the code. @returns the step after it; null if the form asks for a code or shows an error */
  submit(describeFailure) {
    const { username, password, code } = this.#form.elements
    const account = { username: username.value, password: password.value }
    return this.#take(describeFailure, () =>
      this.#step ? this.#step.next(this.#codeInput(code.value)) : this.#client.signIn.start({}, account),
    )
  }

  /** Requests a code by mail. The response is the same for every address. @returns as `submit` */
  async requestCode(describeFailure) {
    const { username } = this.#form.elements
    if (!username.reportValidity()) return null
    return this.#take(describeFailure, () => this.#client.signIn.start({}, { username: username.value }))
  }

  async #take(describeFailure, send) {
    try {
      const step = await send()
      say(byId('sign-in-error'), null)
      const takesCode = step.kind === 'input' && step.accepts.some((name) => CODES.includes(name))
      if (!takesCode) return step
      this.#show(step)
    } catch (error) {
      say(byId('sign-in-error'), describeFailure(error, this.#step !== null))
      if (error.code === 'invalid_session') this.#show(null)
      this.#form.elements[this.#step ? 'code' : 'password'].select()
    }
    return null
  }

  #codeInput(code) {
    if (this.#step.accepts.includes('emailCode')) return { emailCode: code }
    return /^[\d\s]{6,8}$/.test(code) ? { totp: code } : { recoveryCode: code }
  }

  /** Shows the field for a code; without a step the fields for email and password. */
  #show(step) {
    this.#step = step
    showFields('sign-in-account', step === null)
    showFields('sign-in-code', step !== null)
    byId('sign-in-mail').hidden = step !== null
    if (step === null) return
    byId('sign-in-code-text').textContent = step.accepts.includes('emailCode')
      ? 'If the address has an account, a code is on its way to it.'
      : 'Enter the code of your authenticator app, or a recovery code.'
    this.#form.elements.code.value = ''
    this.#form.elements.code.focus()
  }
}

function showFields(id, isShown) {
  byId(id).hidden = !isShown
  byId(id).disabled = !isShown
}
