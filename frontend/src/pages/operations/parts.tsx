import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Snapshot } from '../../api/types';
import { nameStatus } from '../../lib/names';
import { formatBytes, formatNumber, formatRate } from '../../lib/numbers';
import { formatAgo, formatDuration } from '../../lib/time';
import { cx } from '../../ui/cx';
import { Dot, Pill } from '../../ui/marks';
import { Scrolling } from '../../ui/scrolling';
import { Facts, Section } from '../order/facts';

const HEAD = 'pb-1.5 pl-4 text-right font-medium whitespace-nowrap';
const CELL = 'py-1.5 pl-4 text-right whitespace-nowrap';
const LATE_HEARTBEAT_S = 60;

/** What the service says of itself. */
export function Checks({ health }: { health: Snapshot['health'] }) {
  return (
    <section aria-label="Checks" className="card flex flex-wrap items-center gap-x-5 gap-y-2 px-4 py-2.5">
      <Pill tone={health.status === 'ok' ? 'ok' : 'bad'}>{health.status === 'ok' ? 'All checks pass' : nameStatus(health.status)}</Pill>
      {Object.entries(health.checks).map(([name, check]) => (
        <span key={name} className="flex items-center gap-1.5">
          <Dot tone={check.status === 'ok' ? 'ok' : 'bad'} />
          {name.replace(/_/g, ' ')}
          {check.detail != null && <span className="text-xs break-words text-bad">{check.detail}</span>}
        </span>
      ))}
    </section>
  );
}

export function Queues({ queues }: { queues: Snapshot['queues'] }) {
  return (
    <Section title="Queues and workers" aside={<a className="rounded text-xs text-muted hover:underline" href="/rq">rq-dashboard</a>}>
      <Scrolling label="Queues and workers" className="-mx-4 overflow-x-auto px-4">
        <table className="w-full">
          <thead>
            <tr className="text-xs text-muted">
              <th className="pb-1.5 text-left font-medium">Queue</th>
              <th className={HEAD}>Waiting</th>
              <th className={HEAD}>Oldest</th>
              <th className={HEAD}>In</th>
              <th className={HEAD}>Out</th>
              <th className={HEAD}>Empty in</th>
              <th className={HEAD}>Failed</th>
              <th className={HEAD}>Workers</th>
              <th className={HEAD}>Last heartbeat</th>
            </tr>
          </thead>
          <tbody>
            {queues.map((one) => (
              <QueueRow key={one.name} queue={one} />
            ))}
          </tbody>
        </table>
      </Scrolling>
    </Section>
  );
}

function QueueRow({ queue }: { queue: Snapshot['queues'][number] }) {
  const late = queue.target_age_s !== null && queue.oldest_age_s > queue.target_age_s;
  return (
    <tr className="border-t border-line">
      <th scope="row" className="py-1.5 text-left font-medium">
        {queue.name}
      </th>
      <td className={CELL}>{formatNumber(queue.queued)}</td>
      <td className={cx(CELL, late && 'font-medium text-bad')}>
        {queue.queued === 0 ? <Nothing /> : formatDuration(queue.oldest_age_s)}
        {queue.target_age_s !== null && <span className="text-xs text-muted"> of {formatDuration(queue.target_age_s)}</span>}
      </td>
      <td className={CELL}>{queue.in_per_s === null ? <Unknown /> : formatRate(queue.in_per_s)}</td>
      <td className={CELL}>{queue.out_per_s === null ? <Unknown /> : formatRate(queue.out_per_s)}</td>
      <td className={CELL}>{queue.queued === 0 ? <Nothing /> : queue.drain_eta_s === null ? <Unknown /> : formatDuration(queue.drain_eta_s)}</td>
      <td className={cx(CELL, queue.failed > 0 && 'font-medium text-bad')}>{formatNumber(queue.failed)}</td>
      <td className={cx(CELL, queue.workers === 0 && 'font-medium text-bad')}>{queue.workers}</td>
      <td className={cx(CELL, queue.heartbeat_age_s > LATE_HEARTBEAT_S && 'font-medium text-bad')}>{queue.workers === 0 ? <Nothing /> : `${formatDuration(queue.heartbeat_age_s)} ago`}</td>
    </tr>
  );
}

function Nothing() {
  return <span className="text-muted">{'\u2013'}</span>;
}

function Unknown() {
  return <span className="text-muted">not known</span>;
}

export function Instances({ instances }: { instances: Snapshot['instances'] }) {
  return (
    <Section title="Instances" aside={<span className="text-xs text-muted">{instances.filter((one) => one.up).length} of {instances.length} are up</span>}>
      {instances.length === 0 ? (
        <NotKnown />
      ) : (
        <ul className="grid gap-x-8 sm:grid-cols-2">
          {instances.map((one) => (
            <li key={`${one.job} ${one.instance}`} className="flex items-center gap-2 border-b border-line py-1.5 last:border-0">
              <Dot tone={one.up ? 'ok' : 'bad'} />
              <span className="min-w-0 flex-1 truncate" title={`${one.job}, ${one.instance}${one.version === null ? '' : `, version ${one.version}`}`}>
                {one.instance} {!one.instance.startsWith(one.job) && <span className="text-xs text-muted">{one.job}</span>}
              </span>
              <span className={cx('text-xs whitespace-nowrap', one.up ? 'text-muted' : 'font-medium text-bad')}>
                {one.since === null ? (one.up ? 'up' : 'down') : one.up ? `up ${formatAgo(one.since).replace(' ago', '').replace('just now', '0 s')}` : `down, seen ${formatAgo(one.since)}`}
              </span>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

/** Connections of each pool: in use, idle, and how many more it may open. */
export function Pools({ pools }: { pools: Snapshot['pools'] }) {
  return (
    <Section
      title="Connection pools"
      aside={
        <span className="flex items-center gap-3 text-xs text-muted">
          <span className="flex items-center gap-1.5">
            <span className="h-2 w-3 rounded-sm bg-accent" aria-hidden="true" /> in use
          </span>
          <span className="flex items-center gap-1.5">
            <span className="h-2 w-3 rounded-sm bg-strong" aria-hidden="true" /> idle
          </span>
        </span>
      }
    >
      {pools.length === 0 ? (
        <NotKnown />
      ) : (
        <ul className="grid gap-x-8 sm:grid-cols-2">
          {pools.map((one) => (
            <PoolBar key={`${one.instance} ${one.pool}`} pool={one} />
          ))}
        </ul>
      )}
    </Section>
  );
}

function PoolBar({ pool }: { pool: Snapshot['pools'][number] }) {
  const size = Math.max(pool.size, pool.in_use + pool.idle, 1);
  const share = (count: number): string => `${(count / size) * 100}%`;
  const full = pool.in_use >= pool.size;
  return (
    <li className="grid grid-cols-[minmax(0,1fr)_72px_auto] items-center gap-x-3 border-b border-line py-1.5 last:border-0">
      <span className="truncate" title={`${pool.instance}, ${pool.pool}`}>
        {pool.instance} <span className="text-xs text-muted">{pool.pool}</span>
      </span>
      <span
        role="meter"
        aria-label={`${pool.instance}, ${pool.pool}: connections in use`}
        aria-valuemin={0}
        aria-valuemax={size}
        aria-valuenow={pool.in_use}
        className="flex h-2 overflow-hidden rounded-sm bg-sunken"
      >
        <span className={cx('h-full', full ? 'bg-bad' : 'bg-accent')} style={{ width: share(pool.in_use) }} />
        <span className="h-full bg-strong" style={{ width: share(pool.idle) }} />
      </span>
      <span className={cx('min-w-12 text-right text-xs', pool.waiting > 0 ? 'font-medium text-bad' : 'text-muted')}>
        {pool.in_use} of {pool.size}
        {pool.waiting > 0 && `, ${pool.waiting} wait`}
      </span>
    </li>
  );
}

export function Servers({ postgresql, redis }: { postgresql: Snapshot['postgresql']; redis: Snapshot['redis'] }) {
  return (
    <div className="grid items-start gap-4 md:grid-cols-2">
      <Section title="PostgreSQL" aside={postgresql && <UpMark up={postgresql.up} />}>
        {postgresql === null ? (
          <NotKnown />
        ) : (
          <Facts
            facts={[
              ['Connections', share(postgresql.connections, postgresql.max_connections, formatNumber)],
              ['Longest transaction', told(postgresql.longest_transaction_s, formatDuration)],
              ['Slowest standby behind by', told(postgresql.replication_lag_bytes, formatBytes, 'no standby')],
            ]}
          />
        )}
      </Section>
      <Section title="Redis" aside={redis && <UpMark up={redis.up} />}>
        {redis === null ? (
          <NotKnown />
        ) : (
          <Facts
            facts={[
              ['Memory', share(redis.memory_bytes, redis.max_memory_bytes, formatBytes)],
              ['Clients', told(redis.clients, formatNumber)],
              ['Evicted keys', told(redis.evicted_total, formatNumber)],
            ]}
          />
        )}
      </Section>
    </div>
  );
}

function UpMark({ up }: { up: boolean }) {
  return <Pill tone={up ? 'ok' : 'bad'}>{up ? 'up' : 'down'}</Pill>;
}

function told(value: number | null, format: (value: number) => string, otherwise: ReactNode = <Unknown />): ReactNode {
  return value === null ? otherwise : format(value);
}

function share(value: number | null, most: number | null, format: (value: number) => string): ReactNode {
  return value === null ? <Unknown /> : most === null ? format(value) : `${format(value)} of ${format(most)}`;
}

function NotKnown() {
  return (
    <p className="text-muted">
      Only Prometheus knows, and it does not answer. <Link to="/channels" className="underline">Channels</Link> shows what the store knows.
    </p>
  );
}
