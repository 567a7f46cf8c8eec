import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { tellError } from '../api/problem';
import { discardDelivery, quarantineQuery, replayDelivery } from '../api/service';
import { useMay } from '../api/session';
import type { Quarantined } from '../api/types';
import { useKeys } from '../lib/keys';
import { CHANNELS, nameChannel } from '../lib/names';
import { formatTries } from '../lib/numbers';
import { formatExact, formatWhen } from '../lib/time';
import { useTitle } from '../lib/title';
import { Button } from '../ui/button';
import { cx } from '../ui/cx';
import { Modal } from '../ui/dialog';
import { Choice } from '../ui/fields';
import { OlderOnes } from '../ui/older-ones';
import { Page } from '../ui/page';
import { Empty, ErrorNote, Loading } from '../ui/states';
import { tell } from '../ui/toast';
import { DeliveryDialog } from './quarantine/delivery-dialog';

const CHOICES = CHANNELS.map((value) => ({ value, name: nameChannel(value) }));

export function QuarantinePage() {
  useTitle('Quarantine');
  const search = useSearch({ from: '/shell/quarantine' });
  const navigate = useNavigate({ from: '/quarantine' });
  const client = useQueryClient();
  const mayChange = useMay('operator');
  const channel = CHANNELS.find((one) => one === search.channel);
  const list = useInfiniteQuery(quarantineQuery(channel));
  const deliveries = list.data?.pages.flatMap((page) => page.deliveries) ?? [];
  const [current, setCurrent] = useState(-1);
  const [discarding, setDiscarding] = useState<Quarantined | null>(null);
  const [busy, setBusy] = useState(false);

  const openOne = (id: number | null): void => {
    void navigate({ search: { ...(channel === undefined ? {} : { channel }), ...(id === null ? {} : { id: String(id) }) } });
  };
  useKeys({
    j: () => setCurrent((at) => Math.min(at + 1, deliveries.length - 1)),
    k: () => setCurrent((at) => Math.max(at - 1, 0)),
    Enter: () => {
      const one = deliveries[current];
      if (one) {
        openOne(one.id);
      }
    },
  });
  useEffect(() => {
    document.querySelector('[data-current]')?.scrollIntoView({ block: 'nearest' });
  }, [current]);

  const act = async (one: Quarantined, what: 'replay' | 'discard'): Promise<void> => {
    setBusy(true);
    try {
      await (what === 'replay' ? replayDelivery(one.id) : discardDelivery(one.id));
      tell(what === 'replay' ? 'Tried again, with all its tries' : 'Given up', { detail: `${nameChannel(one.channel)}, ${one.topic}` });
      setDiscarding(null);
      openOne(null);
    } catch (error) {
      tell(what === 'replay' ? 'Not tried again' : 'Not given up', { detail: tellError(error), failed: true });
    } finally {
      setBusy(false);
      void client.invalidateQueries({ queryKey: ['quarantine'] });
      void client.invalidateQueries({ queryKey: ['quarantined', one.id] });
    }
  };

  return (
    <Page
      title="Quarantine"
      aside={
        <Choice
          label="Channel"
          all="All channels"
          choices={CHOICES}
          value={channel ?? ''}
          onChoose={(value) => void navigate({ search: value === '' ? {} : { channel: value }, replace: true })}
        />
      }
    >
      {list.isError && <ErrorNote error={list.error} onRetry={() => void list.refetch()} />}
      {list.isPending && (
        <div className="card">
          <Loading />
          {[0, 1, 2, 3].map((one) => (
            <div key={one} className="h-14 border-b border-line last:border-0" />
          ))}
        </div>
      )}
      {list.isSuccess && deliveries.length === 0 && (
        <Empty title="Nothing is in quarantine">
          <p>Deliveries that could not be stored five times would be here, whole, until somebody decides.</p>
        </Empty>
      )}
      {deliveries.length > 0 && (
        <ul className="card divide-y divide-line overflow-hidden" aria-label="Deliveries in quarantine">
          {deliveries.map((one, index) => (
            <li
              key={one.id}
              data-current={index === current || undefined}
              className={cx('flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-2.5 md:flex-nowrap', index === current && 'bg-hover shadow-[inset_3px_0_0_var(--accent)]')}
            >
              <button type="button" className="grid min-w-0 flex-1 basis-full gap-x-4 rounded text-left hover:underline md:basis-0 md:grid-cols-[110px_170px_minmax(0,1fr)]" onClick={() => openOne(one.id)}>
                <span className="font-medium">{nameChannel(one.channel)}</span>
                <span className="truncate text-muted">{one.topic}</span>
                <span className="min-w-0 break-words text-bad md:truncate">{one.error ?? 'no error told'}</span>
              </button>
              <span className="text-xs whitespace-nowrap text-muted" title={formatExact(one.received_at)}>
                {formatWhen(one.received_at)} · {formatTries(one.attempts)}
              </span>
              {mayChange && (
                <span className="ml-auto flex gap-2">
                  <Button small disabled={busy} onClick={() => void act(one, 'replay')}>
                    Replay
                  </Button>
                  <Button small look="quiet" onClick={() => setDiscarding(one)}>
                    Discard
                  </Button>
                </span>
              )}
            </li>
          ))}
        </ul>
      )}
      <OlderOnes list={list} />
      {search.id !== undefined && /^\d{1,15}$/.test(search.id) && discarding === null && (
        <DeliveryDialog id={Number(search.id)} busy={busy} onClose={() => openOne(null)} onReplay={(one) => void act(one, 'replay')} onDiscard={setDiscarding} />
      )}
      {discarding !== null && (
        <Modal
          open
          onClose={() => setDiscarding(null)}
          title="Give this delivery up?"
          description={`${nameChannel(discarding.channel)}, ${discarding.topic}, received ${formatExact(discarding.received_at)}`}
          actions={
            <>
              <Button onClick={() => setDiscarding(null)}>Keep it</Button>
              <Button look="danger" disabled={busy} onClick={() => void act(discarding, 'discard')}>
                Give it up
              </Button>
            </>
          }
        >
          <p>What it says never becomes part of an order, unless the channel sends it again or a poll finds it. This cannot be undone.</p>
        </Modal>
      )}
    </Page>
  );
}
