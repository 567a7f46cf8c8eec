import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient, type InfiniteData } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { getCoreRowModel, useReactTable, type RowSelectionState } from '@tanstack/react-table';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { newestQuery, ordersQuery, patchRows, type OrderPage } from '../api/orders';
import { useMay } from '../api/session';
import { countFilters, listed, toQuery, type Filters } from '../lib/filters';
import { useKeys } from '../lib/keys';
import { useTitle } from '../lib/title';
import { Button } from '../ui/button';
import { cx } from '../ui/cx';
import { Icon } from '../ui/icons';
import { Empty, ErrorNote, Loading } from '../ui/states';
import { BulkBar } from './orders/bulk';
import { COLUMNS } from './orders/columns';
import { FilterBar } from './orders/filter-bar';
import { OrderList } from './orders/order-list';
import { RowSkeleton } from './orders/row';

const NO_ORDERS: OrderPage['orders'] = [];

export function OrdersPage() {
  useTitle('Orders');
  const filters = useSearch({ from: '/shell/orders' });
  const navigate = useNavigate({ from: '/orders' });
  const client = useQueryClient();
  const search = useRef<HTMLInputElement>(null);
  const mayChange = useMay('operator');
  const query = ordersQuery(filters);
  const list = useInfiniteQuery({ ...query, placeholderData: keepPreviousData });
  const orders = useMemo(() => list.data?.pages.flatMap((page) => page.orders) ?? NO_ORDERS, [list.data]);
  const fresh = useFresh(filters, orders, !list.isPlaceholderData && list.isSuccess);
  const place = JSON.stringify(toQuery(filters));

  useEffect(() => listed.set(filters), [filters]);

  const [current, setCurrent] = useState(-1);
  const [round, setRound] = useState(0);
  const [selection, setSelection] = useState<RowSelectionState>({});
  const [menuOpen, setMenuOpen] = useState(false);
  useEffect(() => {
    setCurrent(-1);
  }, [place]);

  const table = useReactTable({
    data: orders,
    columns: COLUMNS,
    getRowId: (order) => String(order.id),
    getCoreRowModel: getCoreRowModel(),
    enableRowSelection: mayChange,
    state: { rowSelection: selection },
    onRowSelectionChange: setSelection,
  });
  // What is selected and not (any more) in the list cannot be seen, so it is not changed.
  const selected = orders.filter((one) => selection[one.id] === true);

  const open = useCallback((id: number) => void navigate({ to: '/orders/$id', params: { id: String(id) } }), [navigate]);
  const { fetchNextPage } = list;
  const loadMore = useCallback(() => void fetchNextPage({ cancelRefetch: false }), [fetchNextPage]);
  const change = useCallback((next: Filters) => void navigate({ search: next, replace: true }), [navigate]);
  const showFresh = (): void => {
    setCurrent(-1);
    setRound((before) => before + 1); // what is new is at the top
    client.setQueryData<InfiniteData<OrderPage, string | null>>(query.queryKey, (data) =>
      data && { pages: data.pages.slice(0, 1), pageParams: data.pageParams.slice(0, 1) },
    );
    void client.invalidateQueries({ queryKey: query.queryKey });
  };

  useKeys({
    '/': () => search.current?.focus(),
    j: () => setCurrent((at) => Math.min(at + 1, orders.length - 1)),
    k: () => setCurrent((at) => Math.max(at - 1, 0)),
    Enter: () => {
      const order = orders[current];
      if (order) {
        open(order.id);
      }
    },
    x: () => table.getRowModel().rows[current]?.toggleSelected(),
    s: () => setMenuOpen(selected.length > 0),
    r: showFresh,
    Escape: () => setSelection({}),
  });

  return (
    <div className="relative flex h-full flex-col">
      <h1 className="sr-only">Orders</h1>
      <FilterBar filters={filters} onChange={change} searchRef={search} />
      {list.isError && (
        <div className="p-3 md:px-4">
          <ErrorNote error={list.error} onRetry={() => void list.refetch()} />
        </div>
      )}
      {list.isPending && <Waiting />}
      {list.isSuccess && orders.length === 0 && <NoOrders filtered={countFilters(filters) > 0} onClear={() => change({})} />}
      {orders.length > 0 && (
        <div className={cx('flex min-h-0 flex-1 flex-col transition-opacity', list.isPlaceholderData && 'opacity-60')}>
          <OrderList
            key={place}
            table={table}
            place={place}
            current={current}
            round={round}
            hasMore={list.hasNextPage}
            loadingMore={list.isFetchingNextPage || list.isPlaceholderData}
            onMore={loadMore}
            onOpen={open}
          />
          <p className="flex h-7 shrink-0 items-center border-t border-line bg-surface px-3 text-xs text-muted md:px-4">
            {list.hasNextPage ? `${orders.length} newest loaded, more as you scroll` : orders.length === 1 ? '1 order' : `${orders.length} orders, all of them`}
          </p>
        </div>
      )}
      {fresh > 0 && (
        <div className="pointer-events-none absolute inset-x-0 top-24 z-20 flex justify-center md:top-25">
          <Button look="main" className="pointer-events-auto rounded-full shadow-lg" onClick={showFresh}>
            <Icon name="refresh" />
            {fresh === 50 ? '50 or more new' : `${fresh} new`}
          </Button>
        </div>
      )}
      <BulkBar
        orders={selected}
        menuOpen={menuOpen}
        onMenu={setMenuOpen}
        onSelect={(ids) => setSelection(Object.fromEntries(ids.map((id) => [String(id), true])))}
      />
    </div>
  );
}

/** How many orders the list does not have yet; rows that it has are brought up to date in their places. */
function useFresh(filters: Filters, orders: OrderPage['orders'], active: boolean): number {
  const client = useQueryClient();
  const newest = useQuery({ ...newestQuery(filters), enabled: active }).data?.orders;
  useEffect(() => {
    if (newest) {
      patchRows(client, newest);
    }
  }, [client, newest]);
  return useMemo(() => {
    if (!active || !newest) {
      return 0;
    }
    const known = new Set(orders.map((one) => one.id));
    return newest.filter((one) => !known.has(one.id)).length;
  }, [active, newest, orders]);
}

function Waiting() {
  return (
    <div className="min-h-0 flex-1 overflow-hidden">
      <Loading />
      <div className="hidden h-8 border-b border-line bg-page md:block" />
      {Array.from({ length: 24 }, (_, index) => (
        <RowSkeleton key={index} index={index} />
      ))}
    </div>
  );
}

function NoOrders({ filtered, onClear }: { filtered: boolean; onClear: () => void }) {
  return filtered ? (
    <Empty title="No order fits these filters">
      <Button onClick={onClear}>Clear the filters</Button>
    </Empty>
  ) : (
    <Empty title="No orders yet">
      <p>They appear here as soon as a channel sends one.</p>
    </Empty>
  );
}
