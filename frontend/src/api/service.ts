// Channels, quarantine, audit, runbooks, silences: everything about the service but its orders.
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { every } from '../lib/idle';
import type { Channel as ChannelName } from '../lib/names';
import { api, body } from './client';
import type { Series } from './types';

export const channelsQuery = queryOptions({
  queryKey: ['channels'],
  queryFn: async ({ signal }) => body(await api.GET('/channels', { signal })),
  refetchInterval: every(10_000),
});

export function quarantineQuery(channel: ChannelName | undefined) {
  return infiniteQueryOptions({
    queryKey: ['quarantine', channel ?? null],
    queryFn: async ({ pageParam, signal }) =>
      body(
        await api.GET('/quarantine', {
          params: { query: { limit: 100, ...(channel === undefined ? {} : { channel }), ...(pageParam === null ? {} : { cursor: pageParam }) } },
          signal,
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    refetchInterval: every(15_000),
  });
}

export function quarantinedQuery(id: number) {
  return queryOptions({
    queryKey: ['quarantined', id],
    queryFn: async ({ signal }) => body(await api.GET('/quarantine/{inbox_id}', { params: { path: { inbox_id: id } }, signal })),
  });
}

export function quarantinedPayloadQuery(id: number) {
  return queryOptions({
    queryKey: ['quarantined-payload', id],
    queryFn: async ({ signal }) =>
      body(await api.GET('/quarantine/{inbox_id}', { params: { path: { inbox_id: id }, query: { payload: true } }, signal })).payload ?? '',
    enabled: false,
    gcTime: 0, // customers' data: kept no longer than it is looked at
  });
}

export async function replayDelivery(id: number): Promise<void> {
  await api.POST('/quarantine/{inbox_id}/replay', { params: { path: { inbox_id: id } } });
}

export async function discardDelivery(id: number): Promise<void> {
  await api.POST('/quarantine/{inbox_id}/discard', { params: { path: { inbox_id: id } } });
}

export function auditQuery(filters: { actor?: string; action?: string }) {
  return infiniteQueryOptions({
    queryKey: ['audit', filters],
    queryFn: async ({ pageParam, signal }) =>
      body(await api.GET('/audit', { params: { query: { limit: 100, ...filters, ...(pageParam === null ? {} : { cursor: pageParam }) } }, signal })),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
  });
}

export function runbookQuery(alert: string) {
  return queryOptions({
    queryKey: ['runbook', alert],
    queryFn: async ({ signal }) => body(await api.GET('/runbooks/{alert}', { params: { path: { alert } }, signal })).markdown,
    staleTime: Infinity,
  });
}

export const seriesQuery = queryOptions({
  queryKey: ['series'],
  // The client's types take pairs for lists of any length.
  queryFn: async ({ signal }) => body(await api.GET('/operations/series', { params: { query: { range: '1h' } }, signal })) as Series,
  refetchInterval: 30_000,
});
