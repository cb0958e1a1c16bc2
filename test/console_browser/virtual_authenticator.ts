import type { CDPSession, Page } from 'playwright-core'

/** A passkey in the virtual authenticator (Chrome DevTools Protocol, WebAuthn.Credential). */
type VirtualCredential = Awaited<ReturnType<CDPSession['send']>> & {
  credentialId: string
  isResidentCredential: boolean
  rpId?: string
  signCount: number
}

/** The authenticator of a device, simulated by Chromium. The user touches it only during an action. */
export class VirtualAuthenticator {
  readonly #session: CDPSession
  readonly #authenticatorId: string

  private constructor(session: CDPSession, authenticatorId: string) {
    this.#session = session
    this.#authenticatorId = authenticatorId
  }

  static async add(page: Page): Promise<VirtualAuthenticator> {
    const session = await page.context().newCDPSession(page)
    await session.send('WebAuthn.enable')
    const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: false,
      },
    })
    return new VirtualAuthenticator(session, authenticatorId)
  }

  /** Touches the authenticator once, for the request that the action sends. */
  async touchDuring(action: () => Promise<unknown>): Promise<void> {
    const used = new Promise<void>((resolve) => {
      for (const event of ['WebAuthn.credentialAdded', 'WebAuthn.credentialAsserted'] as const)
        this.#session.once(event, () => resolve())
    })
    await this.#simulatePresence(true)
    await action()
    await used
    await this.#simulatePresence(false)
  }

  /** Touches the authenticator until the action ends, which waits for the refusal of the authenticator. */
  async touchUntilEndOf(action: () => Promise<unknown>): Promise<void> {
    await this.#simulatePresence(true)
    await action()
    await this.#simulatePresence(false)
  }

  /** Touches the authenticator without a PIN or a biometric sample, until the action ends. */
  async touchUnverified(action: () => Promise<unknown>): Promise<void> {
    await this.#session.send('WebAuthn.setUserVerified', { ...this.#ids, isUserVerified: false })
    await this.touchUntilEndOf(action)
    await this.#session.send('WebAuthn.setUserVerified', { ...this.#ids, isUserVerified: true })
  }

  async credentials(): Promise<VirtualCredential[]> {
    const { credentials } = await this.#session.send('WebAuthn.getCredentials', this.#ids)
    return credentials as VirtualCredential[]
  }

  /** Replaces the only passkey by a copy whose counter is lower. */
  async turnCounterBack(signCount: number): Promise<void> {
    const { credentials } = await this.#session.send('WebAuthn.getCredentials', this.#ids)
    const [credential] = credentials
    if (credential === undefined) throw new Error('the authenticator has no passkey')
    await this.#session.send('WebAuthn.clearCredentials', this.#ids)
    await this.#session.send('WebAuthn.addCredential', {
      ...this.#ids,
      credential: { ...credential, signCount },
    })
  }

  /** Loses the device with its passkeys. */
  async remove(): Promise<void> {
    await this.#session.send('WebAuthn.removeVirtualAuthenticator', this.#ids)
  }

  get #ids() {
    return { authenticatorId: this.#authenticatorId }
  }

  async #simulatePresence(enabled: boolean): Promise<void> {
    await this.#session.send('WebAuthn.setAutomaticPresenceSimulation', { ...this.#ids, enabled })
  }
}
