import type { Snapshot } from '../../api/types';
import { formatNumber, formatShare, formatUnit } from '../../lib/numbers';
import { cx } from '../../ui/cx';

type Slo = Snapshot['slos'][number];

/** How much of each objective's budget is left. */
export function Slos({ slos }: { slos: Slo[] }) {
  if (slos.length === 0) {
    return null;
  }
  return (
    <section aria-label="Objectives" className="grid gap-4 sm:grid-cols-2 lg:grid-cols-4">
      {slos.map((one) => (
        <Budget key={one.name} slo={one} />
      ))}
    </section>
  );
}

function Budget({ slo }: { slo: Slo }) {
  const left = slo.budget_left;
  const burn = slo.burn_rate_1h;
  const low = left !== null && left < 0.25;
  return (
    <div className="card px-4 py-3">
      <div className="flex items-baseline justify-between gap-3">
        <h2 className="min-w-0 text-sm font-medium">
          {slo.title.charAt(0).toUpperCase() + slo.title.slice(1)}
        </h2>
        <span className={cx('text-base font-semibold whitespace-nowrap', low && 'text-bad')}>{left === null ? <span className="text-sm font-normal text-muted">not known</span> : formatShare(left)}</span>
      </div>
      <div
        role="meter"
        aria-label={`Budget left of ${slo.title}`}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round((left ?? 0) * 100)}
        className="mt-2 h-1.5 overflow-hidden rounded-full bg-sunken"
      >
        <div className={cx('h-full rounded-full', low ? 'bg-bad' : 'bg-ok')} style={{ width: `${(left ?? 0) * 100}%` }} />
      </div>
      <p className="mt-2 flex justify-between gap-3 text-xs text-muted">
        <span>
          {formatShare(slo.objective)} {slo.seconds !== null && `within ${formatUnit(slo.seconds, 's')}, `}in {slo.window}
        </span>
        <span className={cx(burn !== null && burn > 1 && 'text-bad')}>{burn === null ? 'burn not known' : `burns ${formatNumber(burn)} × in 1 h`}</span>
      </p>
    </div>
  );
}
