// What became of each order when several were changed at once.
import type { StatusOutcome } from '../api/types';

type Outcome = StatusOutcome['outcome'];

export const tellOutcomes: Record<Outcome, { name: string; detail: string }> = {
  changed: { name: 'changed', detail: '' },
  stale: { name: 'changed meanwhile', detail: 'Somebody changed this order after you read it. Look at it, then decide again.' },
  refused: { name: 'refused', detail: 'The order cannot take this step.' },
  missing: { name: 'gone', detail: 'There is no such order any more.' },
  failed: { name: 'failed', detail: 'The store did not answer; nothing was changed. Try again.' },
};

export function countOutcomes(results: StatusOutcome[]): Record<Outcome, number> {
  const counts: Record<Outcome, number> = { changed: 0, stale: 0, refused: 0, missing: 0, failed: 0 };
  for (const { outcome } of results) {
    counts[outcome] += 1;
  }
  return counts;
}
