/** New recovery codes, which the user sees once. */
export const RecoveryCodeList = ({ codes }: { codes: readonly string[] }) => (
  <ol class="codes">
    {codes.map((code) => (
      <li>
        <code>{code}</code>
      </li>
    ))}
  </ol>
)
