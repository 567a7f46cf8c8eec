// A dashboard as its JSON is: everything but the panels, and the panels by type, so that a fault is told of the panel it
// is in. Every field is that of @grafana/schema, and no other is taken. Queries stand alone, because those to other data
// sources than Prometheus have fields of their own.
import type * as Dashboard from '@grafana/schema/dist/esm/raw/dashboard/x/dashboard_types.gen.d.ts';
import type * as AnnotationsList from '@grafana/schema/dist/esm/raw/composable/annotationslist/panelcfg/x/AnnotationsListPanelCfg_types.gen.d.ts';
import type * as BarChart from '@grafana/schema/dist/esm/raw/composable/barchart/panelcfg/x/BarChartPanelCfg_types.gen.d.ts';
import type * as BarGauge from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen.d.ts';
import type * as Candlestick from '@grafana/schema/dist/esm/raw/composable/candlestick/panelcfg/x/CandlestickPanelCfg_types.gen.d.ts';
import type * as DashboardList from '@grafana/schema/dist/esm/raw/composable/dashboardlist/panelcfg/x/DashboardListPanelCfg_types.gen.d.ts';
import type * as Gauge from '@grafana/schema/dist/esm/raw/composable/gauge/panelcfg/x/GaugePanelCfg_types.gen.d.ts';
import type * as Heatmap from '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen.d.ts';
import type * as Histogram from '@grafana/schema/dist/esm/raw/composable/histogram/panelcfg/x/HistogramPanelCfg_types.gen.d.ts';
import type * as Logs from '@grafana/schema/dist/esm/raw/composable/logs/panelcfg/x/LogsPanelCfg_types.gen.d.ts';
import type * as News from '@grafana/schema/dist/esm/raw/composable/news/panelcfg/x/NewsPanelCfg_types.gen.d.ts';
import type * as PieChart from '@grafana/schema/dist/esm/raw/composable/piechart/panelcfg/x/PieChartPanelCfg_types.gen.d.ts';
import type * as Stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen.d.ts';
import type * as StateTimeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen.d.ts';
import type * as StatusHistory from '@grafana/schema/dist/esm/raw/composable/statushistory/panelcfg/x/StatusHistoryPanelCfg_types.gen.d.ts';
import type * as Table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen.d.ts';
import type * as Text from '@grafana/schema/dist/esm/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen.d.ts';
import type * as TimeSeries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen.d.ts';
import type * as Trend from '@grafana/schema/dist/esm/raw/composable/trend/panelcfg/x/TrendPanelCfg_types.gen.d.ts';

// @grafana/schema 11.6 has no query of Prometheus: these are the fields of Grafana's own editor.
export interface PrometheusQuery {
  refId: string;
  expr: string;
  datasource?: Dashboard.DataSourceRef;
  editorMode?: 'code' | 'builder';
  exemplar?: boolean;
  format?: 'time_series' | 'table' | 'heatmap';
  hide?: boolean;
  instant?: boolean;
  interval?: string;
  intervalFactor?: number;
  legendFormat?: string;
  queryType?: string;
  range?: boolean;
}
interface Query {
  refId: string;
  [field: string]: unknown;
}
interface Fields<Custom> {
  defaults: Omit<Dashboard.FieldConfig, 'custom'> & { custom?: Partial<Custom> };
  overrides: Dashboard.FieldConfigSource['overrides'];
}
type Panel<Type extends string, Options, Custom = Record<string, unknown>> = Omit<
  Dashboard.Panel,
  'type' | 'options' | 'fieldConfig' | 'targets'
> & {
  type: Type;
  options?: Partial<Options>;
  fieldConfig?: Fields<Custom>;
  targets?: Array<Query>;
};

export type Frame = Omit<Dashboard.Dashboard, 'panels'>;
export interface Panels {
  annolist: Panel<'annolist', AnnotationsList.Options>;
  barchart: Panel<'barchart', BarChart.Options, BarChart.FieldConfig>;
  bargauge: Panel<'bargauge', BarGauge.Options>;
  candlestick: Panel<'candlestick', Candlestick.Options, Candlestick.FieldConfig>;
  dashlist: Panel<'dashlist', DashboardList.Options>;
  gauge: Panel<'gauge', Gauge.Options>;
  heatmap: Panel<'heatmap', Heatmap.Options, Heatmap.FieldConfig>;
  histogram: Panel<'histogram', Histogram.Options, Histogram.FieldConfig>;
  logs: Panel<'logs', Logs.Options>;
  news: Panel<'news', News.Options>;
  piechart: Panel<'piechart', PieChart.Options, PieChart.FieldConfig>;
  row: Dashboard.RowPanel;
  stat: Panel<'stat', Stat.Options>;
  'state-timeline': Panel<'state-timeline', StateTimeline.Options, StateTimeline.FieldConfig>;
  'status-history': Panel<'status-history', StatusHistory.Options, StatusHistory.FieldConfig>;
  table: Panel<'table', Table.Options, Table.FieldConfig>;
  text: Panel<'text', Text.Options>;
  timeseries: Panel<'timeseries', TimeSeries.Options, TimeSeries.FieldConfig>;
  trend: Panel<'trend', Trend.Options, Trend.FieldConfig>;
}
export interface Parts {
  frame: Frame;
  panels: Panels;
  query: PrometheusQuery;
}
