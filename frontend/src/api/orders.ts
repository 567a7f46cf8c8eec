// Orders: pages of the list, one order, and changes of status.
import { infiniteQueryOptions, queryOptions, type InfiniteData, type QueryClient } from '@tanstack/react-query';
import { toQuery, type Filters } from '../lib/filters';
import { every } from '../lib/idle';
import { api, body } from './client';
import type { Order, OrderSummary, Progress, StatusOutcome } from './types';

export const PAGE = 100;
const MOST_AT_ONCE = 200; // orders of one request, by the API

export interface OrderPage {
  orders: OrderSummary[];
  next: string | null;
}

export function ordersQuery(filters: Filters) {
  const query = toQuery(filters);
  return infiniteQueryOptions({
    queryKey: ['orders', query],
    queryFn: async ({ pageParam, signal }): Promise<OrderPage> =>
      body(
        await api.GET('/orders', {
          params: { query: { ...query, limit: PAGE, ...(pageParam === null ? {} : { cursor: pageParam }) } },
          signal,
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (last: OrderPage) => last.next,
    // Rows that move under the reader's hand are worse than rows that are a minute old: the page asks for what
    // is new apart from this, and says so.
    staleTime: Infinity,
  });
}

/** The newest orders of the same filters, asked again and again. */
export function newestQuery(filters: Filters) {
  const query = toQuery(filters);
  return queryOptions({
    queryKey: ['orders-newest', query],
    queryFn: async ({ signal }) => body(await api.GET('/orders', { params: { query: { ...query, limit: 50 } }, signal })),
    refetchInterval: every(10_000),
  });
}

export function orderQuery(id: number) {
  return queryOptions({
    queryKey: ['order', id],
    queryFn: async ({ signal }): Promise<Order> =>
      body(await api.GET('/orders/{order_id}', { params: { path: { order_id: id } }, signal })),
    staleTime: 5_000,
    refetchInterval: every(15_000),
  });
}

export function payloadsQuery(id: number) {
  return queryOptions({
    queryKey: ['order-payloads', id],
    queryFn: async ({ signal }) =>
      body(await api.GET('/orders/{order_id}', { params: { path: { order_id: id }, query: { payload: true } }, signal })).deliveries,
    enabled: false,
    gcTime: 0, // customers' data: kept no longer than it is looked at
  });
}

/** Change one order, if it is still at `revision`; returns the new one. */
export async function changeStatus(id: number, revision: number, status: Progress): Promise<number> {
  const answer = await api.PATCH('/orders/{order_id}/status', {
    params: { path: { order_id: id }, header: { 'If-Match': `"${revision}"` } },
    body: { status },
  });
  return body(answer).revision;
}

/** Change many; one outcome for each, in the order given. */
export async function changeStatuses(orders: { id: number; revision: number }[], status: Progress): Promise<StatusOutcome[]> {
  const results: StatusOutcome[] = [];
  for (let at = 0; at < orders.length; at += MOST_AT_ONCE) {
    const some = orders.slice(at, at + MOST_AT_ONCE).map(({ id, revision }) => ({ id, revision }));
    results.push(...body(await api.POST('/orders/statuses', { body: { status, orders: some } })).results);
  }
  return results;
}

/** Put newer versions of rows in the places of the older ones, in every list that is held. */
export function patchRows(client: QueryClient, fresh: OrderSummary[]): void {
  const byId = new Map(fresh.map((one) => [one.id, one]));
  client.setQueriesData<InfiniteData<OrderPage, string | null>>({ queryKey: ['orders'] }, (data) => {
    if (data === undefined) {
      return data;
    }
    const isOlder = (one: OrderSummary): boolean => (byId.get(one.id)?.revision ?? 0) > one.revision;
    if (!data.pages.some((page) => page.orders.some(isOlder))) {
      return data;
    }
    const pages = data.pages.map((page) => ({ ...page, orders: page.orders.map((one) => (isOlder(one) ? (byId.get(one.id) ?? one) : one)) }));
    return { ...data, pages };
  });
}
