/** A new secret. Only this response shows it. */
export function SecretOnce({ secret }: { secret: string | null }) {
  if (secret === null) return <p class="note plain">The client is public and has no secret.</p>
  return (
    <section class="note warn secret" aria-labelledby="secret-title">
      <h2 id="secret-title">Client secret (shown once)</h2>
      <p>
        <code id="secret">{secret}</code>
      </p>
      <p>
        Store it in the settings of the application. The server keeps only a hash and cannot show the secret
        again.
      </p>
    </section>
  )
}
