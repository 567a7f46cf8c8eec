import { Link, type ErrorComponentProps } from '@tanstack/react-router';
import { useStore } from '../lib/store';
import { outage } from '../api/connection';
import { buttonClass } from '../ui/button';
import { Empty, ErrorNote, Loading } from '../ui/states';

export function NotFound() {
  return (
    <Empty title="There is no such page">
      <p>The address may be mistyped.</p>
      <Link to="/orders" className={buttonClass()}>
        To the orders
      </Link>
    </Empty>
  );
}

/** While it is not known yet who is there; says so when nobody answers. */
export function Starting() {
  const away = useStore(outage);
  return away === null ? (
    <Loading />
  ) : (
    <Empty title="Waiting for the service">
      <p role="status">{away.detail} Trying again by itself.</p>
    </Empty>
  );
}

export function PageFailed({ error, reset }: ErrorComponentProps) {
  return (
    <main className="mx-auto max-w-xl p-4 pt-16">
      <ErrorNote error={error} onRetry={reset} />
    </main>
  );
}
