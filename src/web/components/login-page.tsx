import type { TargetedEvent } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Client } from '../api/client.js';
import { toFailure, type Failure } from '../api/failure.js';
import { sentence } from '../state/format.js';
import { KeyIcon } from './icons.js';

interface LoginPageProps {
  readonly client: Client;
  readonly onLogin: () => void;
}

/** Asks for a key and trades it for a session; the key itself is kept nowhere. */
export function LoginPage({ client, onLogin }: LoginPageProps) {
  const [failure, setFailure] = useState<Failure | null>(null);
  const [busy, setBusy] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    document.title = 'Log in – kindred';
    input.current?.focus();
  }, []);

  const logIn = async (key: string): Promise<void> => {
    setBusy(true);
    setFailure(null);
    try {
      await client.logIn(key);
      onLogin();
    } catch (error) {
      setFailure(toFailure(error));
      setBusy(false);
      input.current?.select();
    }
  };
  const submit = (event: TargetedEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const key = input.current?.value.trim() ?? '';
    if (key !== '' && !busy) void logIn(key);
    else input.current?.focus();
  };

  return (
    <>
      <header class="site-header">
        <span class="wordmark">
          <span class="wordmark-sign" aria-hidden="true" />
          kindred
        </span>
      </header>
      <main id="main">
        <div class="state-panel state-page">
          <KeyIcon />
          <h1>This catalogue asks for a key</h1>
          <p>Whoever runs this server can make you one. The page does not keep it, only that you are logged in.</p>
          <form class="login" onSubmit={submit}>
            <label for="key">Key</label>
            <input
              id="key"
              ref={input}
              type="password"
              autocomplete="current-password"
              spellcheck={false}
              placeholder="kd_…"
              aria-invalid={failure !== null}
              aria-describedby="key-fault"
            />
            <p id="key-fault" class="login-fault" role="alert">
              {failure !== null && `${failure.title}. ${sentence(failure.hint ?? failure.message)}`}
            </p>
            <button type="submit" class="button button-primary" aria-disabled={busy}>
              {busy ? 'Logging in …' : 'Log in'}
            </button>
          </form>
        </div>
      </main>
    </>
  );
}
