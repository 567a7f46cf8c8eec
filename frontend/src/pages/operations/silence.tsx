import { useQueryClient } from '@tanstack/react-query';
import { useId, useState, type SyntheticEvent } from 'react';
import { api } from '../../api/client';
import { tellError } from '../../api/problem';
import type { Alert } from '../../api/types';
import { makeMatchers } from '../../lib/silences';
import { Button } from '../../ui/button';
import { Modal } from '../../ui/dialog';
import { Choice } from '../../ui/fields';
import { tell } from '../../ui/toast';

const LENGTHS = [
  { value: '15', name: '15 minutes' },
  { value: '60', name: '1 hour' },
  { value: '240', name: '4 hours' },
  { value: '1440', name: '1 day' },
];
const SCOPES = [
  { value: 'this', name: 'Only this alert, with these labels' },
  { value: 'all', name: 'All alerts of this name' },
];

export function SilenceDialog({ alert, onClose }: { alert: Alert; onClose: () => void }) {
  const client = useQueryClient();
  const form = useId();
  const [minutes, setMinutes] = useState('60');
  const [scope, setScope] = useState('this');
  const [reason, setReason] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const matchers = makeMatchers(alert, scope === 'all');

  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await api.POST('/operations/silences', { body: { matchers, minutes: Number(minutes), reason: reason.trim() } });
      tell(`${alert.name} is silent for ${LENGTHS.find((one) => one.value === minutes)?.name ?? minutes}`);
      void client.invalidateQueries({ queryKey: ['snapshot'] });
      onClose();
    } catch (failure) {
      setError(tellError(failure)); // what was written stays
    } finally {
      setBusy(false);
    }
  };

  return (
    <Modal
      open
      onClose={onClose}
      title={`Silence ${alert.name}`}
      description="Nobody is told of it meanwhile. It stays on this page."
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="main" type="submit" form={form} disabled={busy || reason.trim() === ''}>
            Silence
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={(event) => void submit(event)} className="flex flex-col gap-3">
        <Choice label="For how long" choices={LENGTHS} value={minutes} onChoose={setMinutes} />
        <Choice label="What" choices={SCOPES} value={scope} onChoose={setScope} />
        <ul className="flex flex-wrap gap-1.5" aria-label="Labels">
          {Object.entries(matchers).map(([name, value]) => (
            <li key={name} className="max-w-full truncate rounded bg-sunken px-1.5 py-0.5 font-mono text-xs">
              {name}={value}
            </li>
          ))}
        </ul>
        <label className="flex flex-col gap-1 font-medium">
          Reason
          <textarea
            className="field h-20 resize-y py-1.5 font-normal"
            required
            maxLength={500}
            placeholder="What is being done about it, and where to read more"
            value={reason}
            onChange={(event) => setReason(event.target.value)}
          />
        </label>
        <p role="alert" className="min-h-[18px] text-bad">
          {error}
        </p>
      </form>
    </Modal>
  );
}
