// Pages that ask again and again would keep a session alive that nobody uses: they stop when nobody touches them.
import type { QueryClient } from '@tanstack/react-query';

export const IDLE_AFTER_MS = 5 * 60_000;
const UNATTENDED_MS = 60_000;
const SIGNS = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart'];
/** Not asked anew by itself: lists that would move under the reader, personal data that was asked for by hand. */
const LEFT_ALONE = new Set<unknown>(['session', 'orders', 'order-payloads', 'quarantined-payload']);

let last = Date.now();

export function isIdle(now = Date.now()): boolean {
  return now - last > IDLE_AFTER_MS;
}

/** The pause between two questions; false while nobody is there. */
export function every(ms: number): () => number | false {
  return () => (isIdle() ? false : ms);
}

/** Note every sign of life; after a long pause, bring what is shown up to date. */
export function watchIdle(client: QueryClient, target: EventTarget = window): void {
  const note = (): void => {
    const was = isIdle();
    last = Date.now();
    if (was) {
      void client.invalidateQueries({ predicate: (query) => !LEFT_ALONE.has(query.queryKey[0]) });
    }
  };
  for (const sign of SIGNS) {
    target.addEventListener(sign, note, { passive: true });
  }
}

/** While nobody is there, `ask` again and again: a page that asks for nothing does not hear that its session has ended. */
export function watchUnattended(ask: () => void): () => void {
  const timer = setInterval(() => {
    if (isIdle()) {
      ask();
    }
  }, UNATTENDED_MS);
  return () => clearInterval(timer);
}
