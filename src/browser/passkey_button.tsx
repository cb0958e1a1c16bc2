import type { Form } from '../pages/form.ts'
import type { Texts } from '../pages/languages/en.ts'
import type { StartedCeremony } from '../passkeys/passkeys.ts'

/** The value of the button that sends a passkey. */
export const PASSKEY_DECISION = 'passkey'

interface PasskeyButtonProps {
  ceremony: 'get' | 'create'
  started: StartedCeremony<object>
  label: string
  /** The text after a ceremony that the user or the browser ended. */
  failure: string
  /** The text on a device that already has a passkey of the account; absent for the ceremony `get`. */
  existing?: string
  isPrimary?: boolean
  /** Whether the browser also offers passkeys in the list of the username field. */
  isConditional?: boolean
}

/** The button of a ceremony and the fields of its result. The script shows the button in a browser with passkeys, and fills the fields. */
export const PasskeyButton = ({
  ceremony,
  started: { options, sealed },
  label,
  failure,
  existing,
  isPrimary = false,
  isConditional = false,
}: PasskeyButtonProps) => (
  <>
    <input type="hidden" name="passkey_challenge" value={sealed} />
    <input type="hidden" name="passkey" value="" />
    <p id="passkey-failed" class="note bad" role="alert" hidden>
      {failure}
    </p>
    {existing === undefined ? null : (
      <p id="passkey-exists" class="note bad" role="alert" hidden>
        {existing}
      </p>
    )}
    <button
      type="submit"
      name="decision"
      value={PASSKEY_DECISION}
      formnovalidate
      hidden
      class={isPrimary ? 'primary' : undefined}
      data-ceremony={ceremony}
      data-options={JSON.stringify(options)}
      data-conditional={isConditional ? 'yes' : undefined}
    >
      {label}
    </button>
  </>
)

interface NewPasskeyButtonProps extends Pick<PasskeyButtonProps, 'isPrimary'> {
  started: StartedCeremony<object>
  texts: Texts['addPasskey']
  label?: string
}

/** The button that creates a passkey. */
export const NewPasskeyButton = ({
  started,
  texts,
  label = texts.submit,
  isPrimary = false,
}: NewPasskeyButtonProps) => (
  <PasskeyButton
    ceremony="create"
    started={started}
    label={label}
    failure={texts.notCreated}
    existing={texts.exists}
    isPrimary={isPrimary}
  />
)

/** A passkey that the server does not have. The script reports it to the device, which then no longer offers it. */
export const UnknownPasskey = (passkey: { rpId: string; credentialId: string }) => (
  <data id="unknown-passkey" value={JSON.stringify(passkey)} hidden />
)

const CAN_HAVE_PASSKEY = 'can_have_passkey'

/** The field of a form with a password in which the script reports that the device can have a passkey. */
export const DeviceReport = () => <input type="hidden" name={CAN_HAVE_PASSKEY} value="" />

/** Whether the script reported that the device can have a passkey. */
export function canHavePasskey(form: Form): boolean {
  return form.text(CAN_HAVE_PASSKEY) === 'yes'
}

/** The text of a page that needs a passkey, for a browser without passkeys. The script hides it in another browser. */
export const NoPasskeys = ({ text }: { text: string }) => (
  <p class="note warn" data-without-passkeys>
    {text}
  </p>
)
