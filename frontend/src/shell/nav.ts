import type { Role } from '../api/types';
import type { IconName } from '../ui/icons';

export interface Place {
  to: '/orders' | '/channels' | '/quarantine' | '/operations' | '/audit';
  name: string;
  icon: IconName;
  key: string;
  role: Role;
}

export const PLACES: Place[] = [
  { to: '/orders', name: 'Orders', icon: 'orders', key: 'g o', role: 'viewer' },
  { to: '/channels', name: 'Channels', icon: 'channels', key: 'g c', role: 'viewer' },
  { to: '/quarantine', name: 'Quarantine', icon: 'quarantine', key: 'g q', role: 'viewer' },
  { to: '/operations', name: 'Operations', icon: 'operations', key: 'g p', role: 'viewer' },
  { to: '/audit', name: 'Audit', icon: 'audit', key: 'g a', role: 'admin' },
];

/** Pages of the same server that are not the console's. */
export const ELSEWHERE: { href: string; name: string; role: Role }[] = [
  { href: '/dashboards', name: 'Dashboards', role: 'viewer' },
  { href: '/rq', name: 'Jobs (rq-dashboard)', role: 'admin' },
  { href: '/docs', name: 'API', role: 'viewer' },
];
