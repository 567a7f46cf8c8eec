import { outage } from '../api/connection';
import { useStore } from '../lib/store';
import { formatClock } from '../lib/time';

/** Nobody answers: what is shown is from before. It floats, so that nothing moves when it comes and goes. */
export function OutageNote() {
  const away = useStore(outage);
  return (
    <div role="status" aria-live="polite" className="relative z-30">
      {away !== null && (
        <p className="absolute inset-x-0 top-0 flex items-center justify-center gap-2 bg-warn-soft px-3 py-1.5 text-center text-warn shadow-sm">
          <span aria-hidden="true" className="size-2 shrink-0 animate-pulse rounded-full bg-warn" />
          <span>
            {away.detail} What you see may be older than {formatClock(away.since)}. Trying again by itself.
          </span>
        </p>
      )}
    </div>
  );
}
