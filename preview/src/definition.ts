// The part of a dashboard's JSON that is drawn here.
import type { VariableSort } from '@grafana/data';
import type { DashboardCursorSync, DataTransformerConfig, FieldConfigSource, VariableModel } from '@grafana/schema';
import type { PrometheusQuery } from './prometheus';

export interface DashboardLink {
  title: string;
  url?: string;
  type?: string;
}

export interface PanelDefinition {
  id: number;
  type: string;
  title?: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  options?: object;
  fieldConfig?: FieldConfigSource;
  targets?: PrometheusQuery[];
  transformations?: DataTransformerConfig[];
  links?: { title?: string; url?: string }[];
  collapsed?: boolean;
  panels?: PanelDefinition[];
  maxDataPoints?: number;
}

export interface VariableDefinition {
  type: VariableModel['type'];
  name: string;
  label?: string;
  query?: unknown;
  regex?: string;
  allValue?: string;
  sort?: VariableSort;
  includeAll?: boolean;
  multi?: boolean;
}

export interface Definition {
  uid: string;
  title: string;
  description?: string;
  time?: { from: string; to: string };
  timezone?: string;
  refresh?: string;
  graphTooltip?: DashboardCursorSync;
  links?: DashboardLink[];
  templating?: { list?: VariableDefinition[] };
  panels?: PanelDefinition[];
}

/** A row of the dashboard with the panels under it; the panels above all rows have no title. */
export interface Section {
  title: string;
  collapsed: boolean;
  panels: PanelDefinition[];
}

export function listSections(panels: PanelDefinition[]): Section[] {
  const sections: Section[] = [{ title: '', collapsed: false, panels: [] }];
  for (const panel of panels) {
    if (panel.type === 'row') {
      sections.push({ title: panel.title ?? '', collapsed: panel.collapsed ?? false, panels: panel.panels ?? [] });
    } else {
      sections.at(-1)?.panels.push(panel);
    }
  }
  return sections.filter((one) => one.panels.length);
}

const RUNBOOK = /(?:^|\/)docs\/runbooks\/([A-Za-z0-9_-]+)\.md/;

/** Where a link of a dashboard leads here; nothing when it leads to what only a Grafana has. */
export function translateLink(url: string): string | undefined {
  const runbook = RUNBOOK.exec(url)?.[1];
  if (runbook) {
    return `/dashboards/runbooks/${runbook}`;
  }
  const uid = /^\/d\/([A-Za-z0-9_-]+)/.exec(url)?.[1];
  return uid ? `/dashboards/${uid}` : /^https?:\/\//.test(url) ? url : undefined;
}

/** A description whose alerts are links to their runbooks. */
export function linkRunbooks(description: string): string {
  return description.replace(/Watched by: (.+?) \(docs\/runbooks\)/g, (_, names: string) => {
    const links = names.split(', ').map((name) => `[${name}](/dashboards/runbooks/${name})`);
    return `Watched by: ${links.join(', ')}`;
  });
}
