import { useRouter, useSearch } from '@tanstack/react-router';
import { sessionEnded } from '../api/session-state';
import { LoginForm } from '../shell/login-form';
import { Mark } from '../shell/mark';
import { isLocal } from '../lib/next';
import { useTitle } from '../lib/title';

export function LoginPage() {
  const { next } = useSearch({ from: '/login' });
  const router = useRouter();
  useTitle('Log in');
  const goOn = (): void => {
    // Asked here, where it counts: the router hands on what a route's validation left out.
    sessionEnded.set(false);
    const target = next !== undefined && isLocal(next) ? next : '/console/orders';
    if (target.startsWith('/console')) {
      router.history.replace(target);
    } else {
      window.location.assign(target); // a page that is not the console's: /rq, /docs, /dashboards
    }
  };
  return (
    <main className="flex min-h-full flex-col items-center justify-center bg-page p-4 pb-24">
      <div className="w-full max-w-88">
        <div className="mb-5 flex items-center justify-center gap-2.5">
          <Mark />
          <h1 className="text-xl font-semibold tracking-tight">Palmonas</h1>
        </div>
        <div className="card p-5">
          <LoginForm onDone={goOn} />
        </div>
        <p className="mt-4 text-center text-xs text-muted">Accounts are made with <code className="font-mono">palmonas user create</code></p>
      </div>
    </main>
  );
}
