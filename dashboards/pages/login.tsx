import { useState } from "preact/hooks";
import { ApiError, api } from "../api.ts";
import { Flock, Logo } from "../parts/murmuration.tsx";
import { useTitle } from "../parts/title.ts";

/** The key is typed once; afterwards a cookie that scripts cannot read stands for it. */
export function LoginPage({ onSignedIn }: { onSignedIn: () => void }) {
  useTitle("Sign in");
  const [apiKey, setApiKey] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await api.signIn(apiKey.trim());
      setApiKey("");
      onSignedIn();
    } catch (caught) {
      const refused = caught instanceof ApiError && caught.status === 401;
      setError(
        refused ? "This key is not known here. Was it revoked, or cut off when copied?" : (caught as Error).message,
      );
    }
    setBusy(false);
  };

  return (
    <main class="login">
      <Flock count={420} width={1200} height={520} scale={8} />
      <form class="login-card" onSubmit={(event) => void submit(event)}>
        <h1>
          <Logo />
        </h1>
        <p>Architecture search for sequence models.</p>
        {/* Password managers keep the key under this name. */}
        <input type="text" name="username" autocomplete="username" value="starling" readOnly hidden />
        <label for="api-key">API key</label>
        <input
          id="api-key"
          name="apiKey"
          type="password"
          autocomplete="current-password"
          spellcheck={false}
          required
          value={apiKey}
          onInput={(event) => setApiKey(event.currentTarget.value)}
          aria-invalid={error !== null}
          aria-describedby="api-key-help"
        />
        {error && (
          <p class="field-error" role="alert">
            {error}
          </p>
        )}
        <button type="submit" class="button button-primary" disabled={busy}>
          Sign in
        </button>
        <p class="hint" id="api-key-help">
          The service prints a key when it starts for the first time.
        </p>
      </form>
    </main>
  );
}
