import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { channelsQuery } from '../api/service';
import type { Channel } from '../api/types';
import { judgeChannel } from '../lib/channels';
import { CHANNELS, nameChannel } from '../lib/names';
import { formatDuration, formatWhen } from '../lib/time';
import { useTitle } from '../lib/title';
import { cx } from '../ui/cx';
import { Pill } from '../ui/marks';
import { Page } from '../ui/page';
import { Empty, ErrorNote, Loading } from '../ui/states';

export function ChannelsPage() {
  useTitle('Channels');
  const query = useQuery(channelsQuery);
  return (
    <Page title="Channels" aside={query.data && !query.data.prometheus && <Pill tone="warn">Prometheus does not answer: rates are not known</Pill>}>
      {query.isError && <ErrorNote error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && (
        <div className="grid gap-4 md:grid-cols-2 xl:grid-cols-4">
          <Loading />
          {CHANNELS.map((one) => (
            <div key={one} className="skeleton h-[348px]" />
          ))}
        </div>
      )}
      {query.data?.channels.length === 0 && (
        <Empty title="No channel is set up">
          <p>A channel is there once its secret is set; docs/channels.md says how.</p>
        </Empty>
      )}
      <div className="grid gap-4 md:grid-cols-2 xl:grid-cols-4">{query.data?.channels.map((one) => <ChannelCard key={one.name} channel={one} />)}</div>
    </Page>
  );
}

function ChannelCard({ channel }: { channel: Channel }) {
  const judgement = judgeChannel(channel);
  return (
    <section className="card flex flex-col" aria-label={nameChannel(channel.name)}>
      <div className="flex h-12 items-center justify-between gap-3 border-b border-line px-4">
        <h2 className="text-base font-semibold">
          <Link to="/orders" search={{ channel: channel.name as (typeof CHANNELS)[number] }} className="rounded hover:underline">
            {nameChannel(channel.name)}
          </Link>
        </h2>
        <Pill tone={judgement.tone}>{judgement.text}</Pill>
      </div>
      <dl className="grid grid-cols-[1fr_auto] gap-x-4 px-4 py-2 *:py-1.5">
        <Fact name="Deliveries a minute" hint="of the last five">
          {channel.rate_per_minute === null ? null : channel.rate_per_minute.toFixed(1)}
        </Fact>
        <Fact name="Last order">
          {channel.last_order_at === null || channel.last_order_id === null ? (
            'none yet'
          ) : (
            <Link to="/orders/$id" params={{ id: String(channel.last_order_id) }} className="rounded hover:underline">
              {formatWhen(channel.last_order_at)}
            </Link>
          )}
        </Fact>
        <Fact name="Silent for" hint={channel.usual_gap_s === null ? undefined : `usually ${formatDuration(channel.usual_gap_s)}`} bad={judgement.silent}>
          {channel.silence_s === null ? null : formatDuration(channel.silence_s)}
        </Fact>
        <Fact name="Waiting to be stored">{count(channel.pending)}</Fact>
        <Fact name="In quarantine" bad={channel.quarantined > 0}>
          {channel.quarantined === 0 ? (
            '0'
          ) : (
            <Link to="/quarantine" search={{ channel: channel.name }} className="rounded underline">
              {count(channel.quarantined)}
            </Link>
          )}
        </Fact>
        <Fact name="Wrong signatures" hint="last hour" bad={(channel.signature_failures_1h ?? 0) > 0}>
          {channel.signature_failures_1h === null ? null : count(channel.signature_failures_1h)}
        </Fact>
        <Fact name="Caught by reconciliation" hint="last day">
          {channel.caught_by_reconciliation_24h === null ? null : count(channel.caught_by_reconciliation_24h)}
        </Fact>
        <Fact name="Poll behind by" bad={channel.poll?.error != null}>
          {channel.poll === null ? 'not polled' : channel.poll.at === null ? 'none has ended yet' : formatDuration(channel.poll.lag_s)}
        </Fact>
        <Fact name="Circuit" bad={channel.circuit === 'open'}>
          {channel.circuit === null ? null : channel.circuit.replace('_', ' ')}
        </Fact>
      </dl>
      {channel.poll?.error != null && <p className="mx-4 mb-4 rounded-md bg-bad-soft px-3 py-2 text-xs break-words text-bad">Poll: {channel.poll.error}</p>}
    </section>
  );
}

function Fact({ name, hint, bad = false, children }: { name: string; hint?: string | undefined; bad?: boolean; children: ReactNode }) {
  return (
    <>
      <dt>
        {name} {hint !== undefined && <span className="text-xs text-muted">{hint}</span>}
      </dt>
      <dd className={cx('text-right font-medium', bad && 'text-bad', children === null && 'font-normal text-muted')}>{children ?? 'not known'}</dd>
    </>
  );
}

function count(number: number): string {
  return number >= 10_000 ? '10,000 or more' : number.toLocaleString('en');
}
