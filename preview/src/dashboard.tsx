// The page of one dashboard: the libraries, the scene, and React's root.
import 'uplot/dist/uPlot.min.css';
import { cache } from '@emotion/css';
import { CacheProvider } from '@emotion/react';
import { createTheme, ThemeContext } from '@grafana/data';
import { LocationServiceProvider, locationService } from '@grafana/runtime';
import { UrlSyncContextProvider } from '@grafana/scenes';
import { GlobalStyles, PortalContainer } from '@grafana/ui';
import { createRoot } from 'react-dom/client';
import { BrowserRouter } from 'react-router-dom';
import type { Definition } from './definition';
import { setUpLibraries } from './libraries';
import { heatmap } from './panels/heatmap';
import { stat } from './panels/stat';
import { stateTimeline } from './panels/state-timeline';
import { table } from './panels/table';
import { timeseries } from './panels/timeseries';
import { makeScene } from './scene';
import { fetchDefinition } from './server';

const PLUGINS = { timeseries, stat, table, heatmap, 'state-timeline': stateTimeline };

export async function showDashboard(root: HTMLElement, uid: string): Promise<void> {
  const theme = createTheme({ colors: { mode: 'dark' } });
  const [definition] = await Promise.all([fetchDefinition(uid) as Promise<Definition>, setUpLibraries(theme, PLUGINS)]);
  const scene = makeScene(definition);
  document.title = definition.title;
  createRoot(root).render(
    <CacheProvider value={cache}>
      <ThemeContext.Provider value={theme}>
        <BrowserRouter>
          <GlobalStyles />
          <LocationServiceProvider service={locationService}>
            <UrlSyncContextProvider scene={scene} updateUrlOnInit={false} createBrowserHistorySteps>
              <scene.Component model={scene} />
            </UrlSyncContextProvider>
            <PortalContainer />
          </LocationServiceProvider>
        </BrowserRouter>
      </ThemeContext.Provider>
    </CacheProvider>,
  );
}
