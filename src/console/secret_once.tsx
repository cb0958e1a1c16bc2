/** A secret, on the one response that ever has it. */
export function SecretOnce({ secret }: { secret: string | null }) {
  if (secret === null) return <p class="note plain">It is a public client: it has no secret.</p>
  return (
    <section class="note warn secret" aria-labelledby="secret-title">
      <h2 id="secret-title">Its secret, shown this once</h2>
      <p>
        <code id="secret">{secret}</code>
      </p>
      <p>
        Keep it where the application reads it. Only its hash is stored, and loading this page again does not
        show it.
      </p>
    </section>
  )
}
