// Whether the service answers, as the last request saw it.
import { makeStore } from '../lib/store';

export interface Outage {
  /** Milliseconds of the epoch. */
  since: number;
  detail: string;
}

export const outage = makeStore<Outage | null>(null);

export function noteAnswer(): void {
  outage.set(null);
}

export function noteOutage(detail: string, now = Date.now()): void {
  const known = outage.get();
  if (known?.detail !== detail) {
    outage.set({ since: known?.since ?? now, detail });
  }
}
