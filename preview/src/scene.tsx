// A dashboard's JSON as a scene of Grafana's library: variables, times, refresh, and a panel for each panel.
import { VariableRefresh, type FieldConfigSource } from '@grafana/data';
import { DashboardCursorSync, type DataSourceRef } from '@grafana/schema';
import { LinkButton } from '@grafana/ui';
import {
  behaviors,
  CustomVariable,
  DataSourceVariable,
  QueryVariable,
  SceneDataTransformer,
  SceneObjectBase,
  SceneQueryRunner,
  SceneRefreshPicker,
  SceneTimePicker,
  SceneTimeRange,
  SceneVariableSet,
  VariableValueSelectors,
  VizPanel,
  type SceneObject,
  type SceneObjectState,
  type SceneVariable,
} from '@grafana/scenes';
import { linkRunbooks, listSections, translateLink, type Definition, type PanelDefinition, type VariableDefinition } from './definition';
import { DashboardPage } from './page';
import { UID } from './prometheus';

const SOURCE: DataSourceRef = { type: 'prometheus', uid: UID };

export interface PlacedPanel {
  id: number;
  title: string;
  type: string;
  place: PanelDefinition['gridPos'];
  /** The dashboard says that a healthy system may have nothing to show here. */
  mayBeEmpty: boolean;
  body: VizPanel;
}

export interface SceneSection {
  title: string;
  collapsed: boolean;
  panels: PlacedPanel[];
}

interface DashboardState extends SceneObjectState {
  definition: Definition;
  sections: SceneSection[];
  /** All panels: what stands in the state itself is what the library gives the dashboard's variables and times. */
  bodies: VizPanel[];
  controls: SceneObject[];
}

export class Dashboard extends SceneObjectBase<DashboardState> {
  static Component = DashboardPage;

  /** The panels of a section are only asked for data while they are on the page. */
  toggle(index: number): void {
    const sections = this.state.sections.map((one, at) => (at === index ? { ...one, collapsed: !one.collapsed } : one));
    this.setState({ sections });
  }
}

export function makeScene(definition: Definition): Dashboard {
  const sections = listSections(definition.panels ?? []).map((one) => ({ ...one, panels: one.panels.map(placePanel) }));
  return new Dashboard({
    definition,
    sections,
    bodies: sections.flatMap((one) => one.panels.map((panel) => panel.body)),
    $timeRange: new SceneTimeRange({
      from: definition.time?.from ?? 'now-1h',
      to: definition.time?.to ?? 'now',
      timeZone: definition.timezone || 'browser',
    }),
    $variables: new SceneVariableSet({ variables: (definition.templating?.list ?? []).flatMap(makeVariable) }),
    $behaviors: [new behaviors.CursorSync({ sync: definition.graphTooltip ?? DashboardCursorSync.Off })],
    controls: [
      new VariableValueSelectors({}),
      new SceneTimePicker({ isOnCanvas: true }),
      new SceneRefreshPicker({ isOnCanvas: true, ...(definition.refresh ? { refresh: definition.refresh } : {}) }),
    ],
  });
}

function makeVariable(model: VariableDefinition): SceneVariable[] {
  const { name, multi, includeAll, regex } = model;
  const common = { name, label: model.label ?? name, ...(multi ? { isMulti: true } : {}) };
  if (model.type === 'datasource') {
    return [new DataSourceVariable({ ...common, pluginId: 'prometheus', value: UID, text: 'Prometheus' })];
  }
  if (model.type === 'query') {
    return [
      new QueryVariable({
        ...common,
        datasource: SOURCE,
        query: model.query as string,
        refresh: VariableRefresh.onTimeRangeChanged,
        regex: regex ?? '',
        ...(model.sort === undefined ? {} : { sort: model.sort }),
        ...(includeAll ? { includeAll: true, value: '$__all', text: 'All', allValue: model.allValue ?? '.*' } : {}),
      }),
    ];
  }
  return model.type === 'custom' ? [new CustomVariable({ ...common, query: model.query as string })] : [];
}

function placePanel(panel: PanelDefinition): PlacedPanel {
  return {
    id: panel.id,
    title: panel.title ?? '',
    type: panel.type,
    place: panel.gridPos,
    mayBeEmpty: findReason(panel) !== '',
    body: makePanel(panel),
  };
}

/** What a description says of why there may be nothing to show (dashboards/dress.py). */
function findReason(panel: PanelDefinition): string {
  return /^May be empty: (.*?)\.?$/m.exec(panel.description ?? '')?.[1] ?? '';
}

function makePanel(panel: PanelDefinition): VizPanel {
  const queries = new SceneQueryRunner({
    datasource: SOURCE,
    queries: (panel.targets ?? []).map((one) => ({ ...one, datasource: SOURCE })),
    minInterval: '15s',
    ...(panel.maxDataPoints ? { maxDataPoints: panel.maxDataPoints } : { maxDataPointsFromWidth: true }),
  });
  const links = (panel.links ?? []).flatMap(({ title, url }) => {
    const href = url && translateLink(url);
    return href ? [<LinkButton key={href} icon="book" size="sm" variant="secondary" fill="text" href={href} tooltip={title ?? ''} aria-label={title ?? ''} />] : [];
  });
  return new VizPanel({
    key: `panel-${panel.id}`,
    pluginId: panel.type,
    title: panel.title ?? '',
    description: linkRunbooks(panel.description ?? ''),
    options: panel.type === 'table' ? { ...panel.options, reason: findReason(panel) } : (panel.options ?? {}),
    fieldConfig: addRunbookLinks({ defaults: {}, overrides: [], ...panel.fieldConfig } as FieldConfigSource),
    // As one node: an array is taken for objects of a scene.
    ...(links.length ? { titleItems: <>{links}</> } : {}),
    $data: panel.transformations?.length
      ? new SceneDataTransformer({ $data: queries, transformations: panel.transformations })
      : queries,
  });
}

/** The column of alerts' names leads to their runbooks, as Prometheus' own annotation does. */
function addRunbookLinks(config: FieldConfigSource): FieldConfigSource {
  const link = { title: 'Runbook', url: '/dashboards/runbooks/${__value.raw}' };
  const override = { matcher: { id: 'byName', options: 'alertname' }, properties: [{ id: 'links', value: [link] }] };
  return { ...config, overrides: [...config.overrides, override] };
}
