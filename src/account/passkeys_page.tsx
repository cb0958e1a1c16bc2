import type { Child } from 'hono/jsx'
import { PASSKEY_SCRIPT } from '../browser/browser_path.ts'
import type { Looks } from '../browser/looks.ts'
import { NewPasskeyButton, NoPasskeys, PASSKEY_DECISION, UnknownPasskey } from '../browser/passkey_button.tsx'
import { accountsOf } from '../config/pool_settings.ts'
import { formatTime } from '../lib/local_words.ts'
import { breakable } from '../pages/breakable.tsx'
import { Input } from '../pages/fields.tsx'
import { Form } from '../pages/form.ts'
import { MAX_NAME_CHARACTERS, type Passkey } from '../passkeys/passkey.ts'
import {
  addPasskey,
  findRemainingWithout,
  listOwnPasskeys,
  removePasskey,
  renamePasskey,
  startPasskey,
} from './operations/own_passkeys.ts'
import { type UserPageContent, type UserPageView, userPage } from './user_page.tsx'

const PASSKEY_ID = 'passkey_id'
const REMOVE = 'remove'

/** The values of the page after a removal: the removed passkey. */
const REMOVED_RP = 'removed_rp_id'
const REMOVED_ID = 'removed_credential_id'

/** The page with the passkeys of the user. */
export const passkeysPage = userPage({
  path: '/passkeys',
  section: 'passkeys',
  isSensitive: true,
  isFor: ({ pool, services }) => accountsOf(pool, services.config).passkeys !== null,
  show: showPasskeys,
  async submit(request, form) {
    const id = form.text(PASSKEY_ID)
    const decision = form.text('decision')
    if (decision === PASSKEY_DECISION) {
      // The form was accepted, so the browser has the cookie of its forms.
      const holder = await request.services.cookies.requireFormId(request.c)
      const added = { sealed: form.text('passkey_challenge'), response: form.text('passkey'), holder }
      await addPasskey(added, request)
      return { notice: 'passkeyAdded' }
    }
    if (decision === REMOVE) {
      const removed = await removePasskey(id, request)
      const kept = removed === null ? {} : { [REMOVED_RP]: removed.rpId, [REMOVED_ID]: removed.credentialId }
      return { notice: 'passkeyRemoved', typed: kept }
    }
    await renamePasskey({ id, name: form.text('name') }, request)
    return { notice: 'passkeyRenamed' }
  },
})

async function showPasskeys({
  request,
  looks,
  texts,
  state: { form },
  PageForm,
}: UserPageContent): Promise<UserPageView> {
  const passkeys = await listOwnPasskeys(request)
  const holder = await request.services.cookies.requireFormId(request.c)
  const started = await startPasskey({ service: looks.name, holder }, request)
  const body = (
    <>
      <p>{passkeys.length === 0 ? texts.passkeys.none : texts.passkeys.text}</p>
      {passkeys.length === 0 ? null : (
        <ul class="entries">
          {passkeys.map((passkey) => (
            <li>
              <PageForm>
                {showPasskey(passkey, findRemainingWithout(passkey.id, passkeys, request) !== null, looks)}
              </PageForm>
            </li>
          ))}
        </ul>
      )}
      {form.has(REMOVED_ID) ? (
        <UnknownPasskey rpId={form.text(REMOVED_RP)} credentialId={form.text(REMOVED_ID)} />
      ) : null}
      <NoPasskeys text={looks.texts.passkey.unsupported} />
      {started === null ? null : (
        <PageForm>
          <NewPasskeyButton started={started} texts={looks.texts.addPasskey} isPrimary />
        </PageForm>
      )}
    </>
  )
  return { title: texts.sections.passkeys, body, script: PASSKEY_SCRIPT }
}

/** The facts of a passkey, the field of its name and its buttons. */
function showPasskey(
  { id, name, createdAt, lastUsedAt }: Passkey,
  canRemove: boolean,
  { texts, language }: Looks,
): Child {
  const { passkeys: words } = texts.accountPage
  const used = lastUsedAt === null ? words.unused : words.used(formatTime(lastUsedAt, language))
  const state = { form: Form.of({ name }), problem: null }
  return (
    <>
      <h2 id={`passkey-${id}`}>{breakable(name)}</h2>
      <p class="soft">{words.added(formatTime(createdAt, language))}</p>
      <p class="soft">{used}</p>
      <input type="hidden" name={PASSKEY_ID} value={id} />
      <details>
        <summary>{words.changeName}</summary>
        <Input
          state={state}
          id={`name-${id}`}
          name="name"
          label={words.name}
          maxlength={MAX_NAME_CHARACTERS}
          autocomplete="off"
        />
        <button type="submit" aria-describedby={`passkey-${id}`}>
          {words.rename}
        </button>
      </details>
      {canRemove ? (
        <button type="submit" name="decision" value={REMOVE} aria-describedby={`passkey-${id}`}>
          {words.remove}
        </button>
      ) : (
        <p>{words.required}</p>
      )}
    </>
  )
}
