import { useState } from 'react';
import type { Alert } from '../api/types';
import { useSnapshot } from '../lib/live';
import { formatClock } from '../lib/time';
import { useTitle } from '../lib/title';
import { buttonClass } from '../ui/button';
import { Icon } from '../ui/icons';
import { Dot, Pill } from '../ui/marks';
import { Page } from '../ui/page';
import { ErrorNote, Loading } from '../ui/states';
import { Alerts } from './operations/alerts';
import { Graphs } from './operations/graphs';
import { Checks, Instances, Pools, Queues, Servers } from './operations/parts';
import { RunbookDialog } from './operations/runbook';
import { SilenceDialog } from './operations/silence';
import { Slos } from './operations/slos';

export function OperationsPage() {
  useTitle('Operations');
  const { held, staleSince, error, ask } = useSnapshot();
  const [runbook, setRunbook] = useState<string | null>(null);
  const [silencing, setSilencing] = useState<Alert | null>(null);
  const snapshot = held?.value;
  return (
    <Page
      title="Operations"
      aside={
        <div className="flex items-center gap-3">
          <span role="status">
            {held !== null &&
              (staleSince === null ? (
                <span className="flex items-center gap-1.5 text-xs text-muted">
                  <Dot tone="ok" />
                  live, {formatClock(held.at)}
                </span>
              ) : (
                <Pill tone="bad">stale since {formatClock(staleSince)}</Pill>
              ))}
          </span>
          <a href="/dashboards" className={buttonClass('plain', true)}>
            Dashboards
            <Icon name="out" className="size-3.5" />
          </a>
        </div>
      }
    >
      {snapshot === undefined &&
        (error === null ? (
          <>
            <Loading />
            <div className="skeleton h-28" />
            <div className="skeleton h-32" />
            <div className="skeleton h-96" />
          </>
        ) : (
          <ErrorNote error={error} onRetry={ask} />
        ))}
      {snapshot && (
        <>
          {!snapshot.prometheus.reachable && (
            <Away name="Prometheus" detail={snapshot.prometheus.detail}>
              Alerts, objectives, rates and pools are not known. Queues, workers and checks are what the service itself knows.
            </Away>
          )}
          {!snapshot.alertmanager.reachable && (
            <Away name="Alertmanager" detail={snapshot.alertmanager.detail}>
              Nobody is told of alerts while it is away, and silences are not known.
            </Away>
          )}
          <Alerts snapshot={snapshot} onRunbook={setRunbook} onSilence={setSilencing} />
          <Slos slos={snapshot.slos} />
          <Checks health={snapshot.health} />
          <Queues queues={snapshot.queues} />
          <div className="grid items-start gap-4 lg:grid-cols-2">
            <Instances instances={snapshot.instances} />
            <Pools pools={snapshot.pools} />
          </div>
          <Servers postgresql={snapshot.postgresql} redis={snapshot.redis} />
          {snapshot.prometheus.reachable && <Graphs />}
        </>
      )}
      {runbook !== null && <RunbookDialog alert={runbook} onOpen={setRunbook} onClose={() => setRunbook(null)} />}
      {silencing !== null && <SilenceDialog alert={silencing} onClose={() => setSilencing(null)} />}
    </Page>
  );
}

function Away({ name, detail, children }: { name: string; detail: string | null; children: string }) {
  return (
    <div role="status" className="rounded-lg bg-warn-soft px-4 py-2.5 text-warn">
      <p className="font-medium">{name} does not answer</p>
      <p>
        {children} {detail !== null && <span className="text-xs">({detail})</span>}
      </p>
    </div>
  );
}
