// Snapshots of the service, as they come: by server-sent events; while those do not come, by asking.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { api, body } from '../api/client';
import type { Snapshot } from '../api/types';

export const STALE_AFTER_MS = 10_000;
const LOOK_MS = 1000;
const RECONNECT_MS = 5000;
const KEY = ['snapshot'];

export interface Held<T> {
  value: T;
  /** When it came, by this machine's clock, in milliseconds. */
  at: number;
}

/** Since when nothing came, or null while all is well. */
export function findStale(lastAt: number, now: number): number | null {
  return now - lastAt > STALE_AFTER_MS ? lastAt : null;
}

/** What is needed of an EventSource. */
interface Source {
  addEventListener: (type: string, listener: (event: Event) => void) => void;
  close: () => void;
  readonly readyState: number;
  onerror: ((event: Event) => void) | null;
}

/**
 * Listen until the answered function is called. A stream that the server ended is opened again: by the browser after
 * its good end, by us when the browser gave up (the service was away, too many listen, the session ended).
 */
export function listen(open: () => Source, onText: (text: string) => void): () => void {
  let source: Source | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const connect = (): void => {
    const mine = open();
    source = mine;
    mine.addEventListener('snapshot', (event) => {
      onText((event as MessageEvent<string>).data);
    });
    mine.onerror = () => {
      if (mine.readyState === 2) {
        timer = setTimeout(connect, RECONNECT_MS);
      }
    };
  };
  connect();
  return () => {
    clearTimeout(timer);
    source?.close();
  };
}

/** The newest snapshot, and since when it is old. */
export function useSnapshot(): { held: Held<Snapshot> | null; staleSince: number | null; error: Error | null; ask: () => void } {
  const client = useQueryClient();
  const [now, setNow] = useState(Date.now);
  const query = useQuery({
    queryKey: KEY,
    queryFn: async ({ signal }): Promise<Held<Snapshot>> => {
      const value = body(await api.GET('/operations', { signal }));
      return { value, at: Date.now() };
    },
    // Asked by itself only when the stream is silent; then also an ended session is noticed.
    refetchInterval: (running) => (running.state.data !== undefined && findStale(running.state.data.at, Date.now()) === null ? false : 5000),
    staleTime: STALE_AFTER_MS,
  });
  useEffect(
    () =>
      listen(
        () => new EventSource('/operations/events'),
        (text) => client.setQueryData<Held<Snapshot>>(KEY, { value: JSON.parse(text) as Snapshot, at: Date.now() }),
      ),
    [client],
  );
  const last = query.data?.at ?? null;
  const isOld = last !== null && findStale(last, now) !== null;
  const { refetch } = query;
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => {
    if (isOld) {
      void refetch({ cancelRefetch: false });
    }
  }, [isOld, refetch]);
  return { held: query.data ?? null, staleSince: last === null ? null : findStale(last, now), error: query.error, ask: () => void refetch() };
}
