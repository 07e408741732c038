import { useMemo, useState } from 'preact/hooks';
import { createClient, type Fetch } from '../api/client.js';
import { App } from './app.js';
import { LoginPage } from './login-page.js';

/** The page, or the question for a key in its place as soon as the server asks for one. */
export function Gate({ send }: { send: Fetch }) {
  const [locked, setLocked] = useState(false);
  const client = useMemo(() => createClient(send, () => setLocked(true)), [send]);
  if (locked) return <LoginPage client={client} onLogin={() => setLocked(false)} />;
  const logOut = async (): Promise<void> => {
    await client.logOut();
    setLocked(true);
  };
  return <App client={client} onLogOut={logOut} />;
}
