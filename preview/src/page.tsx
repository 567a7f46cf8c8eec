// How a dashboard is laid out: its 24 columns, or one below the other where the screen is narrow.
import { LoadingState } from '@grafana/data';
import { sceneGraph, type SceneComponentProps } from '@grafana/scenes';
import { Icon } from '@grafana/ui';
import { useEffect, useRef, useState, type ReactElement } from 'react';
import { translateLink, type DashboardLink } from './definition';
import { hasValues } from './panels/empty';
import type { Dashboard, PlacedPanel, SceneSection } from './scene';

const UNIT_PX = 30; // Grafana's height of a row of the grid
const GAP_PX = 8;
const AHEAD = '300px'; // what is that near to the screen asks for its data already

export function DashboardPage({ model }: SceneComponentProps<Dashboard>): ReactElement {
  const { definition, sections, controls } = model.useState();
  return (
    <main className="dashboard">
      <header>
        <h1>
          <a href="/dashboards">Dashboards</a> / {definition.title.replace(/^Palmonas: /, '')}
        </h1>
        <p className="quiet">{definition.description}</p>
      </header>
      <Others links={definition.links ?? []} />
      <div className="controls">
        {controls.map((control) => (
          <control.Component key={control.state.key} model={control} />
        ))}
      </div>
      {sections.map((section, index) => (
        <Part key={`${section.title} ${index}`} section={section} onToggle={() => { model.toggle(index); }} />
      ))}
      <footer className="quiet">
        Rendered with Grafana’s published libraries from grafana/dashboards/{definition.uid}.json. Annotations of deploys and
        drills are Grafana’s own and not here.
      </footer>
    </main>
  );
}

/** Links to the other dashboards, which keep what is chosen here. */
function Others({ links }: { links: DashboardLink[] }): ReactElement {
  return (
    <nav className="others" aria-label="Other dashboards">
      {links.map(({ title, url }) => {
        const href = url ? translateLink(url) : undefined;
        return href ? (
          <a
            key={title}
            href={href}
            onClick={(event) => {
              event.currentTarget.href = href + location.search;
            }}
          >
            {title.replace(/^Palmonas: /, '')}
          </a>
        ) : null;
      })}
    </nav>
  );
}

function Part({ section, onToggle }: { section: SceneSection; onToggle: () => void }): ReactElement {
  const top = Math.min(...section.panels.map((one) => one.place.y));
  return (
    <section>
      {section.title && (
        <button type="button" className="row-title" aria-expanded={!section.collapsed} onClick={onToggle}>
          <Icon name={section.collapsed ? 'angle-right' : 'angle-down'} />
          {section.title}
          {section.collapsed && <span className="quiet">({section.panels.length} panels)</span>}
        </button>
      )}
      {!section.collapsed && (
        <div className="grid">
          {section.panels.map((one) => (
            <Place key={one.id} panel={one} top={top} />
          ))}
        </div>
      )}
    </section>
  );
}

function Place({ panel, top }: { panel: PlacedPanel; top: number }): ReactElement {
  const element = useRef<HTMLDivElement>(null);
  const seen = useSeen(element);
  const { x, y, w, h } = panel.place;
  const style = {
    gridArea: `${y - top + 1} / ${x + 1} / span ${h} / span ${w}`,
    height: h * UNIT_PX + (h - 1) * GAP_PX,
  };
  return (
    <div ref={element} className="panel" style={style} data-panel={panel.title} data-type={panel.type} data-may-be-empty={panel.mayBeEmpty}>
      {seen && <Body panel={panel} />}
    </div>
  );
}

function Body({ panel }: { panel: PlacedPanel }): ReactElement {
  const { data } = sceneGraph.getData(panel.body).useState();
  const state = data?.state ?? LoadingState.NotStarted;
  const filled = state === LoadingState.Done && hasValues(data?.series ?? []);
  return (
    <div style={{ height: '100%' }} data-state={state} data-filled={filled} data-error={data?.errors?.[0]?.message ?? ''}>
      <panel.body.Component model={panel.body} />
    </div>
  );
}

/** True once the element came near to the screen. */
function useSeen(element: React.RefObject<HTMLDivElement | null>): boolean {
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const watch = new IntersectionObserver(
      (entries) => {
        if (entries.some((one) => one.isIntersecting)) {
          setSeen(true);
          watch.disconnect();
        }
      },
      { rootMargin: AHEAD },
    );
    if (element.current) {
      watch.observe(element.current);
    }
    return () => {
      watch.disconnect();
    };
  }, [element]);
  return seen;
}
