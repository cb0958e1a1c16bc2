import type { Scheduler } from 'fast-check'
import { expect } from 'vitest'
import type { Command, Step } from './session_commands.ts'
import { type Cast, PASSWORDS, SessionDriver } from './session_driver.ts'
import { explain } from './session_history.ts'
import { type Action, disputeFeed, type State, type Token } from './session_model.ts'

const PLACES = { current: -1, predecessor: -2, older: -3, oldest: 0 }

/** Until then, a client that left the policy "fixed" gets no tokens. */
const CLIENT_REACH_SECONDS = 8

/** The server, and each state of the model that explains its responses. Parallel actions can give several states. */
export class SessionRun {
  readonly #cast: Cast
  readonly #scheduler: Scheduler | null
  readonly #driver: SessionDriver
  #states: State[]
  /** The last requested password of each user. Parallel changes can have another order. */
  readonly #passwords: Record<'ann' | 'bob', string> = { ann: PASSWORDS[0], bob: PASSWORDS[0] }

  /** @param scheduler Selects the next call to D1 of parallel actions. */
  constructor(cast: Cast, scheduler: Scheduler | null = null) {
    this.#cast = cast
    this.#scheduler = scheduler
    this.#driver = new SessionDriver(cast)
    const passwords = { [cast.ann.id]: PASSWORDS[0], [cast.bob.id]: PASSWORDS[0] }
    const { time: now } = this.#driver.clock
    const none = {
      sessions: {},
      revocations: {},
      rules: {},
      accessFrom: {},
      endedBrowsers: {},
      withdrawals: {},
    }
    this.#states = [{ now, passwords, ...none }]
  }

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case 'wait':
        return this.#wait(step)
      case 'authorize': {
        const { who, client, place } = step
        const subject = who === 'guest' ? null : this.#cast[who].id
        return this.#driver.authorize(this.#cast[client], subject, place)
      }
      case 'set policy': {
        const { client, rules } = step
        await this.#perform([{ do: 'set policy', clientId: this.#cast[client].id, rules }])
        return this.#wait({ seconds: CLIENT_REACH_SECONDS, sweep: false })
      }
      case 'at once':
        return this.#performAtOnce(step.commands.flatMap((command) => this.#toActions(command)))
      default:
        return this.#perform(this.#toActions(step))
    }
  }

  /** Checks the state of each session by introspection, by the feed, and by a refresh with the current token. */
  async checkSessions(): Promise<void> {
    const { sessions } = this.#driver
    const newest = sessions.flatMap(({ refresh, access }) => [...refresh.slice(-2), ...access.slice(-1)])
    await this.#perform(newest.map((token) => ({ do: 'introspect', clientId: token.clientId, token })))
    await this.#checkFeed()
    const current = sessions.flatMap(({ refresh }) => refresh.slice(-1))
    await this.#perform(current.map((token) => ({ do: 'refresh', clientId: token.clientId, token })))
  }

  async #wait({ seconds, sweep }: { seconds: number; sweep: boolean }): Promise<void> {
    this.#driver.clock.time += seconds
    this.#states = this.#states.map((state) => ({ ...state, now: this.#driver.clock.time }))
    if (sweep) await this.#driver.sweep()
  }

  /** Performs independent actions. */
  async #perform(actions: Action[]): Promise<void> {
    const seen = await Promise.all(actions.map((action) => this.#driver.send(action)))
    for (const one of seen) this.#states = explain(this.#states, [one])
  }

  /** Performs parallel actions. Some order of them must explain every response. */
  async #performAtOnce(actions: Action[]): Promise<void> {
    const scheduler = this.#scheduler
    if (scheduler) this.#driver.aroundCall = (sql, call) => takeTurn(scheduler, sql, call)
    const seen = Promise.all(actions.map((action) => this.#driver.send(action)))
    this.#states = explain(this.#states, await (scheduler?.waitFor(seen) ?? seen))
    this.#driver.aroundCall = null
  }

  async #checkFeed(): Promise<void> {
    const feed = await this.#driver.readFeed()
    const tokens = this.#driver.sessions.flatMap(({ access }) => access)
    expect(this.#states.map((state) => disputeFeed(state, feed, tokens))).toContainEqual([])
  }

  /** The actions of a command in the present state. Empty if the token does not exist. */
  #toActions(command: Command): Action[] {
    switch (command.do) {
      case 'sign in':
        return [this.#toSignIn(command)]
      case 'refresh': {
        const token = this.#find(command.session)?.refresh.at(PLACES[command.token])
        return this.#toRequest(command, token)
      }
      case 'revoke':
        return this.#toRequest(command, this.#find(command.session)?.[command.token].at(-1))
      case 'exchange': {
        const code = this.#driver.codes.at(-1 - command.code)
        if (!code) return []
        const { verifier, by, fate } = command
        return [{ do: 'exchange', clientId: this.#callerOf(code, by), code, verifier, fate }]
      }
      case 'log out': {
        const { browser = null, subject = '' } = this.#driver.codes.at(-1 - command.code) ?? {}
        return browser === null ? [] : [{ do: command.do, browser, subject }]
      }
      case 'withdraw consent': {
        const code = this.#driver.codes.at(-1 - command.code)
        return code?.hasConsent ? [{ do: command.do, code }] : []
      }
      case 'change password': {
        const { id: subject } = this.#cast[command.who]
        const password = this.#otherPassword(command.who)
        this.#passwords[command.who] = password
        return [{ do: command.do, subject, password }]
      }
      case 'sign out everywhere':
        return [{ do: command.do, subject: this.#cast[command.who].id }]
      case 'sign out client':
        return [{ do: command.do, clientId: this.#cast[command.client].id }]
    }
  }

  #toSignIn({ who, password, client }: Extract<Command, { do: 'sign in' }>): Action {
    const clientId = this.#cast[client].id
    if (who === 'guest')
      return { do: 'sign in', clientId, subject: null, username: 'guest', password: 'guest' }
    const { id: subject, username } = this.#cast[who]
    const presented = password === 'current' ? this.#passwords[who] : this.#otherPassword(who)
    return { do: 'sign in', clientId, subject, username, password: presented }
  }

  #toRequest(command: Extract<Command, { session: number }>, token: Token | undefined): Action[] {
    if (!token) return []
    return [{ do: command.do, clientId: this.#callerOf(token, command.by), token }]
  }

  #callerOf({ clientId }: { clientId: string }, by: 'owner' | 'stranger'): string {
    const { web, app } = this.#cast
    const stranger = clientId === web.id ? app : web
    return by === 'owner' ? clientId : stranger.id
  }

  #find(session: number) {
    const { sessions } = this.#driver
    return sessions[session % sessions.length]
  }

  #otherPassword(who: 'ann' | 'bob'): string {
    return PASSWORDS[0] === this.#passwords[who] ? PASSWORDS[1] : PASSWORDS[0]
  }
}

/** Waits for the scheduler and makes the call. The scheduler selects the next call afterwards. */
async function takeTurn<T>(scheduler: Scheduler, sql: string, call: () => Promise<T>): Promise<T> {
  const { promise: made, resolve } = Promise.withResolvers<void>()
  const [label = ''] = sql.trim().split('\n')
  await scheduler.schedule(Promise.resolve(), label, undefined, async (release) => {
    await release()
    await made
  })
  return call().finally(resolve)
}
