import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { runbookQuery } from '../../api/service';
import { Modal } from '../../ui/dialog';
import { ErrorNote, Skeleton } from '../../ui/states';

// Markdown is a third of the page's weight, and seldom wanted.
const RunbookText = lazy(() => import('./runbook-text'));

export function RunbookDialog({ alert, onOpen, onClose }: { alert: string; onOpen: (alert: string) => void; onClose: () => void }) {
  const query = useQuery(runbookQuery(alert));
  return (
    <Modal open wide onClose={onClose} title={`Runbook: ${alert}`}>
      {query.isError && <ErrorNote error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Skeleton className="h-64 w-full" />}
      {query.data !== undefined && (
        <Suspense fallback={<Skeleton className="h-64 w-full" />}>
          <RunbookText markdown={query.data} onOpen={onOpen} />
        </Suspense>
      )}
    </Modal>
  );
}
