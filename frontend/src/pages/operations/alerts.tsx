import { useQueryClient } from '@tanstack/react-query';
import { api } from '../../api/client';
import { tellError } from '../../api/problem';
import { useMay } from '../../api/session';
import type { Alert, Snapshot } from '../../api/types';
import type { Tone } from '../../lib/names';
import { formatAgo, formatExact, formatWhen } from '../../lib/time';
import { Button, buttonClass } from '../../ui/button';
import { cx } from '../../ui/cx';
import { Icon } from '../../ui/icons';
import { Pill } from '../../ui/marks';
import { tell } from '../../ui/toast';

interface AlertsProps {
  snapshot: Snapshot;
  onRunbook: (alert: string) => void;
  onSilence: (alert: Alert) => void;
}

/** What is wrong now, worst first. */
export function Alerts({ snapshot, onRunbook, onSilence }: AlertsProps) {
  const { alerts, prometheus, alertmanager } = snapshot;
  if (alerts.length === 0) {
    const known = prometheus.reachable || alertmanager.reachable;
    return known ? (
      <section aria-label="Alerts" className="card flex items-center gap-3 px-4 py-3.5">
        <span className="flex size-6 items-center justify-center rounded-full bg-ok-soft text-ok">
          <Icon name="check" />
        </span>
        <p className="text-base font-medium">No alert is firing or pending.</p>
      </section>
    ) : null;
  }
  const loud = alerts.filter((one) => one.state === 'firing' && one.silenced_by.length === 0 && !one.inhibited).length;
  return (
    <section aria-labelledby="alerts-title" className="card overflow-hidden">
      <h2 id="alerts-title" className="flex min-h-10 flex-wrap items-center gap-x-2 border-b border-line px-4 py-2 font-semibold">
        <Icon name="bell" className={loud > 0 ? 'text-bad' : 'text-muted'} />
        {loud > 0 ? `${loud === 1 ? '1 alert is' : `${loud} alerts are`} firing` : 'Nothing new is firing'}
        {alerts.length > loud && <span className="font-normal text-muted">and {alerts.length - loud} pending, silenced or explained by others</span>}
      </h2>
      <ul className="divide-y divide-line">
        {alerts.map((alert) => (
          <AlertRow key={`${alert.name} ${JSON.stringify(alert.labels)}`} alert={alert} onRunbook={onRunbook} onSilence={onSilence} />
        ))}
      </ul>
    </section>
  );
}

const TONES: Record<string, Tone> = { page: 'bad', warning: 'warn' };
const SAID = new Set(['alertname', 'severity', 'area', 'job']);

function AlertRow({ alert, onRunbook, onSilence }: { alert: Alert } & Omit<AlertsProps, 'snapshot'>) {
  const mayChange = useMay('operator');
  const held = alert.silenced_by.length > 0 || alert.inhibited;
  const labels = Object.entries(alert.labels).filter(([name]) => !SAID.has(name));
  return (
    <li className="grid gap-x-4 gap-y-2 px-4 py-3 md:grid-cols-[84px_minmax(0,1fr)_auto]">
      <span className="flex items-start gap-2">
        <Pill tone={held || alert.state === 'pending' ? 'neutral' : (TONES[alert.severity] ?? 'accent')}>
          {alert.state === 'pending' ? 'pending' : alert.severity}
        </Pill>
      </span>
      <div className={cx('min-w-0', held && 'text-muted')}>
        <p className="break-words">
          <span className="font-semibold">{alert.summary || alert.name}</span>
        </p>
        {alert.description !== '' && <p className="break-words">{alert.description}</p>}
        <p className="mt-0.5 text-xs break-words text-muted">
          {alert.name} · <span title={formatExact(alert.since)}>since {formatWhen(alert.since)}, {formatAgo(alert.since)}</span>
          {labels.map(([name, value]) => ` · ${name} ${value}`)}
        </p>
        {alert.inhibited && <p className="text-xs">Held back: another alert explains it.</p>}
        {alert.silenced_by.map((silence) => (
          <Silenced key={silence.id} silence={silence} />
        ))}
      </div>
      <div className="flex flex-wrap items-start gap-2 md:justify-end">
        {alert.runbook !== null && (
          <Button small onClick={() => onRunbook(alert.runbook?.split('/').at(-1) ?? alert.name)}>
            Runbook
          </Button>
        )}
        {alert.dashboard !== null && (
          <a className={buttonClass('plain', true)} href={alert.dashboard}>
            Dashboard
          </a>
        )}
        {mayChange && alert.silenced_by.length === 0 && (
          <Button small onClick={() => onSilence(alert)}>
            Silence
          </Button>
        )}
      </div>
    </li>
  );
}

function Silenced({ silence }: { silence: Alert['silenced_by'][number] }) {
  const client = useQueryClient();
  const mayChange = useMay('operator');
  const end = async (): Promise<void> => {
    try {
      await api.DELETE('/operations/silences/{silence_id}', { params: { path: { silence_id: silence.id } } });
      tell('The silence has ended');
      void client.invalidateQueries({ queryKey: ['snapshot'] });
    } catch (error) {
      tell('The silence goes on', { detail: tellError(error), failed: true });
    }
  };
  return (
    <p className="flex flex-wrap items-center gap-x-2 text-xs">
      <span>
        Silenced by {silence.by} until {formatWhen(silence.until)}: {silence.reason}
      </span>
      {mayChange && (
        <button type="button" className="rounded text-accent underline" onClick={() => void end()}>
          end it
        </button>
      )}
    </p>
  );
}
