// What a page shows when it has nothing to show: yet, at all, or because something failed.
import type { ReactNode } from 'react';
import { ProblemError, tellError } from '../api/problem';
import { Button } from './button';
import { cx } from './cx';

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="mx-auto flex max-w-sm flex-col items-center gap-2 px-4 py-16 text-center">
      <p className="text-base font-medium">{title}</p>
      {children !== undefined && <div className="flex flex-col items-center gap-3 text-muted">{children}</div>}
    </div>
  );
}

export function ErrorNote({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const id = error instanceof ProblemError ? error.problem.requestId : null;
  return (
    <div role="alert" className="flex flex-wrap items-center gap-x-3 gap-y-2 rounded-lg bg-bad-soft px-3 py-2 text-bad">
      <span className="min-w-0 flex-1">
        {tellError(error)}
        {id !== null && <span className="block font-mono text-xs break-all">request {id}</span>}
      </span>
      {onRetry && (
        <Button small onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** A place for a text that is on its way, of the size that the text will have. */
export function Skeleton({ className }: { className?: string }) {
  return <span aria-hidden="true" className={cx('skeleton inline-block h-3.5 align-middle', className ?? 'w-24')} />;
}

export function Loading({ label = 'Loading' }: { label?: string }) {
  return (
    <span role="status" className="sr-only">
      {label}
    </span>
  );
}
