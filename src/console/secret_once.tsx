/** A new client secret. No other page shows it. */
export function SecretOnce({ secret }: { secret: string | null }) {
  if (secret === null) return <p class="note plain">This is a public client. It has no secret.</p>
  return (
    <section class="note warn secret" aria-labelledby="secret-title">
      <h2 id="secret-title">Client secret, shown only once</h2>
      <p>
        <code id="secret">{secret}</code>
      </p>
      <p>Copy it to the application now. Sallyport stores only a hash and cannot show the secret again.</p>
    </section>
  )
}
