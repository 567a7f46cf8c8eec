// What Grafana itself sets up before its libraries work: registries, the data source, where panels come from.
import {
  booleanOverrideProcessor,
  dataLinksOverrideProcessor,
  displayNameOverrideProcessor,
  EventBusSrv,
  FieldColorModeId,
  identityOverrideProcessor,
  LoadingState,
  numberOverrideProcessor,
  standardEditorsRegistry,
  standardFieldConfigEditorRegistry,
  standardTransformers,
  standardTransformersRegistry,
  stringOverrideProcessor,
  thresholdsOverrideProcessor,
  ThresholdsMode,
  unitOverrideProcessor,
  valueMappingsOverrideProcessor,
  type DataFrame,
  type DataQueryError,
  type DataQueryRequest,
  type DataSourceApi,
  type DataSourceInstanceSettings,
  type DataTransformerInfo,
  type FieldConfigPropertyItem,
  type FieldOverrideContext,
  type GrafanaTheme2,
  type PanelData,
  type PanelPlugin,
} from '@grafana/data';
import * as runtime from '@grafana/runtime';
import { initPluginTranslations } from '@grafana/i18n';
import { sceneUtils } from '@grafana/scenes';
import { catchError, from, isObservable, map, of, startWith, type Observable } from 'rxjs';
import { PrometheusSource, UID, type PrometheusQuery } from './prometheus';

type Process = (value: unknown, context: FieldOverrideContext, settings?: unknown) => unknown;

/** A property of a field's options: how it is read; nothing here edits it. */
export function makeProperty(id: string, process: unknown, defaultValue?: unknown): FieldConfigPropertyItem {
  return {
    id,
    path: id,
    name: id,
    editor: () => null,
    override: () => null,
    process: process as Process,
    shouldApply: () => true,
    settings: {},
    defaultValue,
  };
}

const PROPERTIES = [
  makeProperty('unit', unitOverrideProcessor),
  makeProperty('min', numberOverrideProcessor),
  makeProperty('max', numberOverrideProcessor),
  makeProperty('fieldMinMax', booleanOverrideProcessor),
  makeProperty('decimals', numberOverrideProcessor),
  makeProperty('displayName', displayNameOverrideProcessor),
  makeProperty('color', identityOverrideProcessor, { mode: FieldColorModeId.PaletteClassic }),
  makeProperty('noValue', stringOverrideProcessor),
  makeProperty('links', dataLinksOverrideProcessor),
  makeProperty('mappings', valueMappingsOverrideProcessor, []),
  makeProperty('thresholds', thresholdsOverrideProcessor, {
    mode: ThresholdsMode.Absolute,
    steps: [{ value: -Infinity, color: 'green' }],
  }),
];

// What the registry of editors is asked for by name when panels declare their options.
const EDITORS = [
  'text', 'number', 'boolean', 'select', 'radio', 'unit', 'color', 'fieldColor', 'thresholds', 'mappings', 'links',
  'stats-picker', 'timezone', 'slider', 'multi-select', 'strings', 'field-name', 'dashboard-uid', 'date-time',
  'cell-footer', 'actions',
];

export async function setUpLibraries(theme: GrafanaTheme2, plugins: Record<string, PanelPlugin>): Promise<void> {
  standardFieldConfigEditorRegistry.setInit(() => PROPERTIES);
  standardEditorsRegistry.setInit(() => EDITORS.map((id) => ({ id, name: id, editor: () => null })));
  standardTransformersRegistry.setInit(() => [...new Map(listTransformers().map((one) => [one.id, one])).values()].map((one) => ({
    id: one.id, name: one.name, transformation: () => Promise.resolve(one), editor: () => null, imageDark: '', imageLight: '',
  })));
  for (const [pluginId, plugin] of Object.entries(plugins)) {
    sceneUtils.registerRuntimePanelPlugin({ pluginId, plugin });
  }
  setUpRuntime(theme, plugins);
  await initPluginTranslations('grafana-scenes');
}

const ignore = (): void => undefined;

function listTransformers(): DataTransformerInfo[] {
  // The only way to them outside of Grafana, where the registry is filled from them.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  return Object.values(standardTransformers) as DataTransformerInfo[];
}

function setUpRuntime(theme: GrafanaTheme2, plugins: Record<string, PanelPlugin>): void {
  const source = new PrometheusSource();
  const settings = { uid: UID, type: 'prometheus', name: 'Prometheus', meta: { id: 'prometheus' } } as DataSourceInstanceSettings;
  runtime.config.theme2 = theme;
  runtime.setDataSourceSrv({
    get: () => Promise.resolve(source as unknown as DataSourceApi),
    getList: () => [settings],
    getInstanceSettings: () => settings,
    reload: () => Promise.resolve(),
    registerRuntimeDataSource: () => undefined,
  });
  runtime.setPluginImportUtils({
    importPanelPlugin: (id) => {
      const found = plugins[id];
      return found ? Promise.resolve(found) : Promise.reject(new Error(`panels of type ${id} are not drawn here`));
    },
    getPanelPluginFromCache: (id) => plugins[id],
  });
  runtime.setRunRequest((_, request) => runRequest(source, request as DataQueryRequest<PrometheusQuery>));
  runtime.setAppEvents(new EventBusSrv());
  runtime.setEchoSrv({ addEvent: ignore, addBackend: ignore, flush: ignore, onInteraction: () => ignore });
  runtime.setTemplateSrv({
    replace: (text) => text ?? '',
    getVariables: () => [],
    containsTemplate: (text) => text?.includes('$') ?? false,
    updateTimeRange: () => undefined,
  });
  runtime.setPluginLinksHook(() => ({ links: [], isLoading: false }));
  runtime.setPluginComponentsHook(() => ({ components: [], isLoading: false }));
}

function runRequest(source: PrometheusSource, request: DataQueryRequest<PrometheusQuery>): Observable<PanelData> {
  const begun: PanelData = { state: LoadingState.Loading, series: [], request, timeRange: request.range };
  const answers = source.query(request);
  return (isObservable(answers) ? answers : from(answers)).pipe(
    map((found): PanelData => ({ ...begun, state: LoadingState.Done, series: found.data as DataFrame[], annotations: [] })),
    catchError((error: unknown) => {
      const told: DataQueryError = { message: error instanceof Error ? error.message : String(error) };
      return of({ ...begun, state: LoadingState.Error, error: told, errors: [told] });
    }),
    startWith(begun),
  );
}
