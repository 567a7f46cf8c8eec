import { useQuery } from '@tanstack/react-query';
import { quarantinedPayloadQuery, quarantinedQuery } from '../../api/service';
import { useMay } from '../../api/session';
import type { Quarantined } from '../../api/types';
import { nameChannel, nameStatus } from '../../lib/names';
import { formatExact } from '../../lib/time';
import { Button } from '../../ui/button';
import { CopyText } from '../../ui/copy-text';
import { Modal } from '../../ui/dialog';
import { Payload } from '../../ui/payload';
import { ErrorNote, Skeleton } from '../../ui/states';
import { Facts } from '../order/facts';

interface DeliveryDialogProps {
  id: number;
  /** One of them is being replayed or given up. */
  busy: boolean;
  onClose: () => void;
  onReplay: (delivery: Quarantined) => void;
  onDiscard: (delivery: Quarantined) => void;
}

export function DeliveryDialog({ id, busy, onClose, onReplay, onDiscard }: DeliveryDialogProps) {
  const query = useQuery(quarantinedQuery(id));
  const payload = useQuery(quarantinedPayloadQuery(id));
  const mayChange = useMay('operator');
  const isAdmin = useMay('admin');
  const one = query.data;
  const waits = one?.state === 'quarantined';
  return (
    <Modal
      open
      wide
      onClose={onClose}
      title={one ? `${nameChannel(one.channel)}, ${one.topic}` : 'Delivery'}
      actions={
        mayChange &&
        one &&
        waits && (
          <>
            <Button look="danger" onClick={() => onDiscard(one)}>
              Discard
            </Button>
            <Button look="main" disabled={busy} onClick={() => onReplay(one)}>
              Replay
            </Button>
          </>
        )
      }
    >
      {query.isError && <ErrorNote error={query.error} />}
      {query.isPending && <Skeleton className="h-40 w-full" />}
      {one && (
        <div className="flex flex-col gap-4">
          <p className="rounded-md bg-bad-soft px-3 py-2 break-words text-bad">{one.error ?? 'No error was told.'}</p>
          <Facts
            facts={[
              ['State', nameStatus(one.state)],
              ['Received', formatExact(one.received_at)],
              ['Tries', String(one.attempts)],
              ['Delivery', <CopyText key="delivery" text={one.delivery_id} />],
              ['Request', <CopyText key="request" text={one.request_id} />],
              ['Last job', one.job_id === null ? 'none' : <CopyText key="job" text={one.job_id} />],
            ]}
          />
          {isAdmin &&
            (payload.data === undefined ? (
              <div className="flex items-center justify-between gap-4 border-t border-line pt-4">
                <span className="text-muted">The payload holds personal data. That you looked at it is recorded.</span>
                <Button disabled={payload.isFetching} onClick={() => void payload.refetch()}>
                  {payload.isFetching ? 'Fetching' : 'Show payload'}
                </Button>
              </div>
            ) : (
              <Payload text={payload.data} />
            ))}
          {payload.isError && <ErrorNote error={payload.error} />}
        </div>
      )}
    </Modal>
  );
}
