import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { changeStatuses, patchRows } from '../../api/orders';
import { tellError } from '../../api/problem';
import type { OrderSummary, Progress, StatusOutcome } from '../../api/types';
import { countOutcomes, tellOutcomes } from '../../lib/outcomes';
import { nameStatus, PROGRESSES, toneOf } from '../../lib/names';
import { Button } from '../../ui/button';
import { Modal } from '../../ui/dialog';
import { Dot, Pill } from '../../ui/marks';
import { Dropdown, DropdownItem } from '../../ui/menu';
import { tell } from '../../ui/toast';

interface BulkBarProps {
  orders: OrderSummary[];
  menuOpen: boolean;
  onMenu: (open: boolean) => void;
  onSelect: (ids: number[]) => void;
}

interface Done {
  status: Progress;
  results: StatusOutcome[];
  numbers: Map<number, string>;
}

/** What to do with the selected orders, and what became of each. */
export function BulkBar({ orders, menuOpen, onMenu, onSelect }: BulkBarProps) {
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState<Done | null>(null);

  const change = async (status: Progress): Promise<void> => {
    setBusy(true);
    try {
      const results = await changeStatuses(orders, status);
      const byId = new Map(orders.map((one) => [one.id, one]));
      patchRows(
        client,
        results.flatMap(({ id, outcome, revision }) => {
          const before = byId.get(id);
          return outcome === 'changed' && before && revision !== null ? [{ ...before, status, progress: status, revision }] : [];
        }),
      );
      void client.invalidateQueries({ queryKey: ['orders-newest'] });
      const left = results.filter((one) => one.outcome !== 'changed');
      onSelect(left.map((one) => one.id));
      if (left.length === 0) {
        tell(`${results.length === 1 ? '1 order is' : `${results.length} orders are`} ${nameStatus(status).toLowerCase()} now`);
      } else {
        setDone({ status, results, numbers: new Map(orders.map((one) => [one.id, one.number])) });
      }
    } catch (error) {
      // Some may have been changed: the rows are read again.
      void client.invalidateQueries({ queryKey: ['orders'] });
      tell('Not all orders were changed', { detail: `${tellError(error)} The list is read again.`, failed: true });
    } finally {
      setBusy(false);
    }
  };

  return (
    <>
      {orders.length > 0 && (
        <div className="pointer-events-none absolute inset-x-0 bottom-4 z-20 flex justify-center px-3">
          <div role="toolbar" aria-label="Selected orders" className="pointer-events-auto flex items-center gap-2 rounded-xl border border-strong bg-raised py-2 pr-2 pl-4 shadow-xl">
            <span className="mr-2 font-medium">{orders.length} selected</span>
            <Dropdown trigger={<Button look="main" disabled={busy} />} label={busy ? 'Changing' : 'Change status'} open={menuOpen} onOpenChange={onMenu} side="top">
              {PROGRESSES.filter((one) => one !== 'new').map((status) => (
                <DropdownItem key={status} onSelect={() => void change(status)}>
                  <Dot tone={toneOf(status)} />
                  {nameStatus(status)}
                </DropdownItem>
              ))}
            </Dropdown>
            <Button look="quiet" onClick={() => onSelect([])}>
              Clear
            </Button>
          </div>
        </div>
      )}
      {done !== null && <Results done={done} onClose={() => setDone(null)} />}
    </>
  );
}

function Results({ done, onClose }: { done: Done; onClose: () => void }) {
  const counts = countOutcomes(done.results);
  const left = done.results.filter((one) => one.outcome !== 'changed');
  return (
    <Modal
      open
      wide
      onClose={onClose}
      title={`${counts.changed} of ${done.results.length} changed to ${nameStatus(done.status).toLowerCase()}`}
      description="What was not changed is still selected."
      actions={
        <Button look="main" onClick={onClose}>
          Close
        </Button>
      }
    >
      <table className="w-full">
        <thead>
          <tr className="text-left text-xs text-muted">
            <th className="pb-1.5 font-medium">Order</th>
            <th className="pb-1.5 font-medium">Outcome</th>
            <th className="pb-1.5 font-medium">Why</th>
          </tr>
        </thead>
        <tbody>
          {left.map((one) => (
            <tr key={one.id} className="border-t border-line align-top">
              <td className="py-2 pr-4 font-medium whitespace-nowrap">{done.numbers.get(one.id) ?? one.id}</td>
              <td className="py-2 pr-4">
                <Pill tone={one.outcome === 'refused' ? 'bad' : 'warn'}>{tellOutcomes[one.outcome].name}</Pill>
              </td>
              <td className="py-2">{one.detail ?? tellOutcomes[one.outcome].detail}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Modal>
  );
}
