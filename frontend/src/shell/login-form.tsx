import { useState, type SyntheticEvent } from 'react';
import { ProblemError, tellError } from '../api/problem';
import { useLogIn } from '../api/session';
import { Button } from '../ui/button';
import { Field } from '../ui/fields';

/** Email and password; `onDone` once somebody is logged in, and whether it is another person than before. */
export function LoginForm({ email: known = '', onDone }: { email?: string; onDone: (isOther: boolean) => void }) {
  const logIn = useLogIn();
  const [email, setEmail] = useState(known);
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);

  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      onDone(await logIn(email.trim(), password));
    } catch (failure) {
      setError(explain(failure));
      setPassword('');
    } finally {
      setBusy(false);
    }
  };

  return (
    <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-3">
      <Field label="Email" type="email" name="email" autoComplete="username" required value={email} onChange={(event) => setEmail(event.target.value)} />
      <Field
        label="Password"
        type="password"
        name="password"
        autoComplete="current-password"
        required
        value={password}
        onChange={(event) => setPassword(event.target.value)}
      />
      {/* A place of its own, so that nothing moves when it is filled. */}
      <p role="alert" className="min-h-[18px] text-bad">
        {error}
      </p>
      <Button type="submit" look="main" className="h-9" disabled={busy}>
        {busy ? 'Logging in' : 'Log in'}
      </Button>
    </form>
  );
}

function explain(failure: unknown): string {
  if (failure instanceof ProblemError && failure.problem.status === 429) {
    const wait = failure.problem.retryAfter;
    return wait === null ? 'Too many tries. Wait a little.' : `Too many tries. Try again in ${wait} s.`;
  }
  return tellError(failure);
}
