import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { changeStatus, orderQuery, patchRows } from '../../api/orders';
import { isStatus, tellError, UnreachableError } from '../../api/problem';
import type { Order, Progress } from '../../api/types';
import { compareOrders, type Conflict } from '../../lib/conflict';
import { nameStatus } from '../../lib/names';
import { formatWhen } from '../../lib/time';
import { Button } from '../../ui/button';
import { Modal } from '../../ui/dialog';
import { tell } from '../../ui/toast';

interface Clash {
  wanted: Progress;
  conflict: Conflict;
  fresh: Order;
}

/** The steps that the order can take, and what to do when somebody else was quicker. */
export function StatusActions({ order }: { order: Order }) {
  const client = useQueryClient();
  const [busy, setBusy] = useState<Progress | null>(null);
  const [clash, setClash] = useState<Clash | null>(null);

  const change = async (from: Order, status: Progress): Promise<void> => {
    setBusy(status);
    try {
      await changeStatus(from.id, from.revision, status);
      setClash(null);
      tell(`Order ${from.number} is ${nameStatus(status).toLowerCase()} now`);
    } catch (error) {
      if (isStatus(error, 412)) {
        await explain(from, status);
        return;
      }
      setClash(null);
      const unknown = error instanceof UnreachableError ? ' It is not known whether the change was made: look at the order before you try again.' : '';
      tell('The status was not changed', { detail: `${tellError(error)}${unknown}`, failed: true });
    } finally {
      setBusy(null);
      await refresh(from.id);
    }
  };

  const refresh = async (id: number): Promise<void> => {
    await client.invalidateQueries({ queryKey: orderQuery(id).queryKey });
    const fresh = client.getQueryData(orderQuery(id).queryKey);
    if (fresh) {
      patchRows(client, [fresh]);
    }
  };

  const explain = async (before: Order, wanted: Progress): Promise<void> => {
    const fresh = await client.query({ ...orderQuery(before.id), staleTime: 0 });
    setClash({ wanted, fresh, conflict: compareOrders(before, fresh, wanted) });
  };

  const next = order.next_statuses as Progress[];
  return (
    <>
      {next.map((status, index) => (
        <Button
          key={status}
          look={index === 0 && status !== 'cancelled' ? 'main' : status === 'cancelled' ? 'danger' : 'plain'}
          disabled={busy !== null}
          data-status={status}
          onClick={() => void change(order, status)}
        >
          {nameStatus(status)}
        </Button>
      ))}
      {clash !== null && (
        <ConflictDialog
          clash={clash}
          busy={busy !== null}
          onClose={() => setClash(null)}
          onReapply={() => void change(clash.fresh, clash.wanted)}
        />
      )}
    </>
  );
}

function ConflictDialog({ clash, busy, onClose, onReapply }: { clash: Clash; busy: boolean; onClose: () => void; onReapply: () => void }) {
  const { conflict, wanted } = clash;
  const name = nameStatus(wanted).toLowerCase();
  return (
    <Modal
      open
      onClose={onClose}
      title="Somebody changed this order first"
      description={`It was not set to ${name}. This is what changed since you read it.`}
      actions={
        <>
          <Button look={conflict.stillPossible ? 'plain' : 'main'} onClick={onClose}>
            Keep it as it is now
          </Button>
          {conflict.stillPossible && (
            <Button look="main" disabled={busy} onClick={onReapply}>
              Set it to {name} all the same
            </Button>
          )}
        </>
      }
    >
      {conflict.differences.length > 0 ? (
        <table className="w-full">
          <thead>
            <tr className="text-left text-xs text-muted">
              <th className="pb-1.5 font-medium">What</th>
              <th className="pb-1.5 font-medium">You read</th>
              <th className="pb-1.5 font-medium">It is now</th>
            </tr>
          </thead>
          <tbody>
            {conflict.differences.map((one) => (
              <tr key={one.field} className="border-t border-line align-top">
                <th scope="row" className="py-2 pr-4 text-left font-medium">
                  {one.field}
                </th>
                <td className="py-2 pr-4 text-muted line-through">{one.before}</td>
                <td className="py-2 font-medium">{one.after}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : (
        <p>Nothing that is shown here is different.</p>
      )}
      {conflict.happened.length > 0 && (
        <ul className="mt-4 flex flex-col gap-1 border-t border-line pt-3 text-muted">
          {conflict.happened.map((one) => (
            <li key={one.key}>
              <span className="mr-2">{formatWhen(one.at)}</span>
              {one.text}
            </li>
          ))}
        </ul>
      )}
      {!conflict.stillPossible && <p className="mt-4">From where it is now, the order cannot be set to {name} any more.</p>}
    </Modal>
  );
}
