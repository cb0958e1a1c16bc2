import { setTimeout as sleep } from 'node:timers/promises'
import type { CDPSession, Page } from 'playwright-core'

/** A passkey in the virtual authenticator (Chrome DevTools Protocol, WebAuthn.Credential). */
type VirtualCredential = Awaited<ReturnType<CDPSession['send']>> & {
  credentialId: string
  isResidentCredential: boolean
  rpId?: string
  signCount: number
}

/** The authenticator of a device, simulated by Chromium. The user touches it only in `touch`. */
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
        ...{ protocol: 'ctap2', transport: 'internal', hasResidentKey: true },
        ...{ hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: false },
      },
    })
    return new VirtualAuthenticator(session, authenticatorId)
  }

  /** Touches the authenticator once, for the request that the page has sent. */
  async touch({ isUserVerified = true } = {}): Promise<void> {
    await this.#session.send('WebAuthn.setUserVerified', { ...this.#ids, isUserVerified })
    const used = new Promise<void>((resolve) => {
      for (const event of ['WebAuthn.credentialAdded', 'WebAuthn.credentialAsserted'] as const)
        this.#session.once(event, () => resolve())
    })
    await this.#simulatePresence(true)
    // Without user verification, the authenticator uses no passkey.
    if (isUserVerified) await used
    else await sleep(500)
    await this.#simulatePresence(false)
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

  get #ids() {
    return { authenticatorId: this.#authenticatorId }
  }

  async #simulatePresence(enabled: boolean): Promise<void> {
    await this.#session.send('WebAuthn.setAutomaticPresenceSimulation', { ...this.#ids, enabled })
  }
}
