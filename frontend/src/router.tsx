import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Outlet, redirect } from '@tanstack/react-router';
import { client } from './api/query-client';
import { sessionQuery } from './api/session';
import { parseFilters } from './lib/filters';
import { readNext } from './lib/next';
import { LoginPage } from './pages/login';
import { OrdersPage } from './pages/orders';
import { NotFound, PageFailed, Starting } from './shell/fallbacks';
import { Shell } from './shell/shell';

const rootRoute = createRootRoute({ component: Outlet, notFoundComponent: NotFound, errorComponent: PageFailed });

const loginRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/login',
  validateSearch: (search): { next?: string } => readNext(search['next']),
  component: LoginPage,
});

const shellRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: 'shell',
  component: Shell,
  pendingComponent: Starting,
  pendingMs: 300,
  beforeLoad: async ({ location }) => {
    const session = await client.query({ ...sessionQuery, staleTime: 'static' });
    if (session === null) {
      throw redirect({ to: '/login', search: { next: location.publicHref } });
    }
  },
});

const indexRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/orders' });
  },
});

const ordersRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/orders',
  validateSearch: parseFilters,
  component: OrdersPage,
});

const orderRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/orders/$id',
  component: lazyRouteComponent(() => import('./pages/order'), 'OrderPage'),
});

const channelsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/channels',
  component: lazyRouteComponent(() => import('./pages/channels'), 'ChannelsPage'),
});

const quarantineRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/quarantine',
  validateSearch: (search): { channel?: string; id?: string } => ({
    ...(typeof search['channel'] === 'string' ? { channel: search['channel'] } : {}),
    ...(typeof search['id'] === 'string' ? { id: search['id'] } : {}),
  }),
  component: lazyRouteComponent(() => import('./pages/quarantine'), 'QuarantinePage'),
});

const operationsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/operations',
  component: lazyRouteComponent(() => import('./pages/operations'), 'OperationsPage'),
});

const auditRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/audit',
  validateSearch: (search): { actor?: string; action?: string } => ({
    ...(typeof search['actor'] === 'string' ? { actor: search['actor'] } : {}),
    ...(typeof search['action'] === 'string' ? { action: search['action'] } : {}),
  }),
  component: lazyRouteComponent(() => import('./pages/audit'), 'AuditPage'),
});

export const router = createRouter({
  routeTree: rootRoute.addChildren([
    indexRoute,
    loginRoute,
    shellRoute.addChildren([ordersRoute, orderRoute, channelsRoute, quarantineRoute, operationsRoute, auditRoute]),
  ]),
  basepath: '/console',
  defaultPreload: 'intent',
  scrollRestoration: true,
  // Plain query strings: people read, write and share them.
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search) => {
    const text = new URLSearchParams(
      Object.entries(search as Record<string, unknown>).filter((one): one is [string, string] => typeof one[1] === 'string'),
    ).toString();
    return text === '' ? '' : `?${text}`;
  },
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
