import { CSPProvider } from '@base-ui/react/csp-provider';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { client } from './api/query-client';
import { askWhetherItEnded } from './api/session';
import { watchIdle, watchUnattended } from './lib/idle';
import { router } from './router';
import './styles.css';
import { Toasts } from './ui/toast';

const root = document.getElementById('root');
if (root === null) {
  throw new Error('the page has no element #root');
}
watchIdle(client);
watchUnattended(askWhetherItEnded);
// "Back" may bring a page back as it was when it was left, with all that a person who has logged out since had in sight.
window.addEventListener('pageshow', (event) => {
  if (event.persisted) {
    root.hidden = true;
    window.location.reload();
  }
});
createRoot(root).render(
  <StrictMode>
    {/* The content policy takes no style elements: the styles are ours. */}
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
        <Toasts />
      </QueryClientProvider>
    </CSPProvider>
  </StrictMode>,
);
