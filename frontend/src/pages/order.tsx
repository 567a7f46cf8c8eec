import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useRouter } from '@tanstack/react-router';
import { useRef } from 'react';
import { orderQuery, payloadsQuery } from '../api/orders';
import { isStatus } from '../api/problem';
import { useMay } from '../api/session';
import type { Order } from '../api/types';
import { listed } from '../lib/filters';
import { useKeys } from '../lib/keys';
import { formatAmount } from '../lib/money';
import { nameChannel, nameStatus, toneOf } from '../lib/names';
import { formatExact } from '../lib/time';
import { useStore } from '../lib/store';
import { useTitle } from '../lib/title';
import { Button, buttonClass } from '../ui/button';
import { Icon } from '../ui/icons';
import { Scrolling } from '../ui/scrolling';
import { Pill } from '../ui/marks';
import { Payload } from '../ui/payload';
import { Empty, ErrorNote, Loading } from '../ui/states';
import { About, Customer, Section } from './order/facts';
import { Attachments, Items } from './order/items';
import { StatusActions } from './order/status-actions';
import { Timeline } from './order/timeline';

export function OrderPage() {
  const { id } = useParams({ from: '/shell/orders/$id' });
  const query = useQuery({ ...orderQuery(Number(id)), enabled: /^\d{1,15}$/.test(id) });
  const router = useRouter();
  const navigate = useNavigate();
  const actions = useRef<HTMLDivElement>(null);
  const order = query.data;
  useTitle(order ? `Order ${order.number}` : 'Order');
  useKeys({
    u: () => (router.history.canGoBack() ? router.history.back() : void navigate({ to: '/orders' })),
    s: () => actions.current?.querySelector('button')?.focus(),
  });

  if (isStatus(query.error, 404) || !/^\d{1,15}$/.test(id)) {
    return (
      <Empty title={`There is no order ${id}`}>
        <Link to="/orders" className={buttonClass()}>
          To the orders
        </Link>
      </Empty>
    );
  }
  return (
    <Scrolling label="Order" className="h-full overflow-y-auto outline-none">
      <div className="mx-auto flex max-w-[1320px] flex-col gap-4 p-3 pb-8 md:p-4">
        {query.isError && <ErrorNote error={query.error} onRetry={() => void query.refetch()} />}
        {order === undefined ? !query.isError && <Waiting /> : <Whole order={order} actions={actions} />}
      </div>
    </Scrolling>
  );
}

function Whole({ order, actions }: { order: Order; actions: React.RefObject<HTMLDivElement | null> }) {
  const search = useStore(listed);
  const mayChange = useMay('operator');
  const isAdmin = useMay('admin');
  return (
    <>
      <header className="flex flex-wrap items-center gap-x-4 gap-y-3">
        <div className="min-w-0 flex-1 basis-72">
          <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
            <Link to="/orders" search={search} aria-label="Back to the orders" className="-ml-1 rounded p-0.5 text-muted hover:bg-hover hover:text-text">
              <Icon name="left" />
            </Link>
            <h1 className="text-xl font-semibold tracking-tight break-all proportional-nums">{order.number}</h1>
            <Pill tone={toneOf(order.status)}>{nameStatus(order.status)}</Pill>
          </div>
          <p className="mt-0.5 text-muted md:pl-8">
            {nameChannel(order.channel)} · placed {formatExact(order.placed_at)}
            {order.total !== null && ` · ${formatAmount(order.total, order.currency)} ${order.currency ?? ''}`}
          </p>
        </div>
        <div ref={actions} role="group" aria-label="Change the status" className="flex flex-wrap items-center gap-2">
          {mayChange && order.next_statuses.length > 0 && (
            <>
              <span className="mr-1 text-muted max-md:hidden">Set to</span>
              <StatusActions order={order} />
            </>
          )}
          {!mayChange && <span className="text-xs text-muted">Operators may change the status.</span>}
          {mayChange && order.next_statuses.length === 0 && <span className="text-xs text-muted">This is its last status.</span>}
        </div>
      </header>
      <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_340px]">
        <div className="flex min-w-0 flex-col gap-4">
          <Items order={order} />
          <Attachments order={order} />
          <Section title="Timeline">
            <Timeline order={order} />
          </Section>
          {isAdmin && <Payloads id={order.id} />}
        </div>
        <div className="flex min-w-0 flex-col gap-4 max-lg:-order-1 max-lg:grid max-lg:grid-cols-1 max-lg:gap-4 max-md:order-0 md:max-lg:grid-cols-2">
          <Customer order={order} />
          <About order={order} />
        </div>
      </div>
    </>
  );
}

function Payloads({ id }: { id: number }) {
  const query = useQuery(payloadsQuery(id));
  return (
    <Section
      title="Raw payloads"
      aside={
        query.data === undefined && (
          <Button small disabled={query.isFetching} onClick={() => void query.refetch()}>
            {query.isFetching ? 'Fetching' : 'Show'}
          </Button>
        )
      }
    >
      {query.isError && <ErrorNote error={query.error} />}
      {query.data === undefined ? (
        <p className="text-muted">What the channel sent, with all personal data in it. Fetched only when you ask; that you did is recorded.</p>
      ) : (
        <ul className="flex flex-col gap-4">
          {query.data.map((one) => (
            <li key={one.id}>
              <p className="mb-1 text-xs text-muted">
                {one.topic} · {formatExact(one.received_at)}
              </p>
              <Payload text={one.payload ?? ''} />
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function Waiting() {
  return (
    <>
      <Loading />
      <div className="skeleton h-13 max-w-md" />
      <div className="grid gap-4 lg:grid-cols-[minmax(0,1fr)_340px]">
        <div className="flex flex-col gap-4">
          <div className="skeleton h-56" />
          <div className="skeleton h-80" />
        </div>
        <div className="flex flex-col gap-4">
          <div className="skeleton h-48" />
          <div className="skeleton h-64" />
        </div>
      </div>
    </>
  );
}
