// Who is logged in.
import { queryOptions, useQuery, useQueryClient, type QueryClient } from '@tanstack/react-query';
import { api, body } from './client';
import { isStatus } from './problem';
import type { Role, Session } from './types';
import { sessionEnded, setCsrf, setRenewal } from './session-state';

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

setRenewal(async () => (await fetchSession())?.csrf ?? null);

export const sessionQuery = queryOptions({ queryKey: ['session'], queryFn: fetchSession, staleTime: Infinity, gcTime: Infinity });

/** Log in. What another person has seen goes; what the same person was doing stays. */
export async function logIn(client: QueryClient, email: string, password: string): Promise<Session> {
  const session = body(await api.POST('/session', { body: { email, password } }));
  const before = client.getQueryData(sessionQuery.queryKey);
  setCsrf(session.csrf);
  if (before?.user.id !== session.user.id) {
    client.clear();
  }
  client.setQueryData(sessionQuery.queryKey, session);
  sessionEnded.set(false);
  void client.invalidateQueries({ predicate: (query) => query.queryKey[0] !== 'session' });
  return session;
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

export function useLogIn(): (email: string, password: string) => Promise<Session> {
  const client = useQueryClient();
  return (email, password) => logIn(client, email, password);
}
