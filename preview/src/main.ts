// Finds out which page this address is, and loads only what that page needs.
import './page.css';
import { showFailure } from './elements';

// The libraries read both when they are loaded, so they are set before.
Object.assign(window, {
  __grafana_public_path__: `/dashboards/assets/${__PLACE__}/`,
  grafanaBootData: { settings: {}, user: {}, navTree: [] },
});

async function showPage(root: HTMLElement): Promise<void> {
  const [, , first, second] = location.pathname.split('/');
  if (first === undefined || first === '') {
    const { showList } = await import('./list');
    await showList(root);
  } else if (first === 'runbooks' && second) {
    const { showRunbook } = await import('./runbook');
    await showRunbook(root, decodeURIComponent(second));
  } else {
    const { allowStyles } = await import('./styles');
    allowStyles();
    const { showDashboard } = await import('./dashboard');
    await showDashboard(root, decodeURIComponent(first));
  }
}

const root = document.getElementById('root');
if (root) {
  showPage(root).catch((error: unknown) => {
    showFailure(root, error);
  });
}
