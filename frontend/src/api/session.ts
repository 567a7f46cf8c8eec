// Who is logged in.
import { queryOptions, useQuery, useQueryClient, type QueryClient } from '@tanstack/react-query';
import { api, body, send } from './client';
import { isStatus } from './problem';
import { client } from './query-client';
import type { Role, Session } from './types';
import { csrf, sessionEnded, setCsrf, setRenewal } from './session-state';

const RANKS: Role[] = ['viewer', 'operator', 'admin'];

async function fetchSession(): Promise<Session | null> {
  try {
    const session = body(await api.GET('/session'));
    setCsrf(session.csrf);
    return session;
  } catch (error) {
    if (isStatus(error, 401)) {
      setCsrf(null);
      return null;
    }
    throw error;
  }
}

export const sessionQuery = queryOptions({ queryKey: ['session'], queryFn: fetchSession, staleTime: Infinity, gcTime: Infinity });

setRenewal(async () => {
  const before = client.getQueryData(sessionQuery.queryKey);
  const session = await fetchSession();
  if (before && session && before.user.id !== session.user.id) {
    // Nothing that the one began is done in the name of the other.
    window.location.reload();
    throw new Error('Somebody else has logged in here meanwhile. Nothing was changed.');
  }
  return session?.csrf ?? null;
});

/** Hear whether the session has ended, without keeping it: this route does not. */
export function askWhetherItEnded(): void {
  if (csrf() !== null && !sessionEnded.get()) {
    send(new Request('/operations', { method: 'HEAD' })).catch(() => undefined); // that nobody answers is noted
  }
}

/** Log in. True when it is another person than before, of whose page nothing may stay; what the same one was doing stays. */
export async function logIn(client: QueryClient, email: string, password: string): Promise<boolean> {
  const session = body(await api.POST('/session', { body: { email, password } }));
  const before = client.getQueryData(sessionQuery.queryKey);
  setCsrf(session.csrf);
  const isOther = before?.user.id !== session.user.id;
  if (isOther) {
    client.clear();
  }
  client.setQueryData(sessionQuery.queryKey, session);
  if (!isOther) {
    sessionEnded.set(false);
    void client.invalidateQueries({ predicate: (query) => query.queryKey[0] !== 'session' });
  }
  return isOther;
}

export async function logOut(everywhere: boolean): Promise<void> {
  await (everywhere ? api.DELETE('/sessions') : api.DELETE('/session'));
  // A whole new page: nothing of the last person's is left in memory.
  window.location.assign('/console/login');
}

export function useSession(): Session | null {
  return useQuery(sessionQuery).data ?? null;
}

/** Whether who is logged in may do what `role` may. */
export function useMay(role: Role): boolean {
  const session = useSession();
  return session !== null && RANKS.indexOf(session.user.role) >= RANKS.indexOf(role);
}

export function useLogIn(): (email: string, password: string) => Promise<boolean> {
  const client = useQueryClient();
  return (email, password) => logIn(client, email, password);
}
