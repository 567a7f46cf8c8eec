// The data source of all panels: Prometheus' answers as Grafana's data frames.
import { RuntimeDataSource, sceneGraph, type SceneObject } from '@grafana/scenes';
import {
  createDataFrame,
  FieldType,
  LoadingState,
  type DataFrame,
  type DataQueryRequest,
  type DataQueryResponse,
  type MetricFindValue,
  type ScopedVars,
  type TestDataSourceResponse,
} from '@grafana/data';
import type { DataQuery } from '@grafana/schema';
import { from, Observable } from 'rxjs';
import { askPrometheus, type Sample } from './server';

export const UID = 'prometheus';
const SCRAPE_S = 15; // prometheus/prometheus.yml; Grafana has it from its data source's settings
const LABEL_VALUES = /^label_values\((?:(.+),\s*)?([a-zA-Z_][a-zA-Z0-9_]*)\)$/s;

export interface PrometheusQuery extends DataQuery {
  expr: string;
  legendFormat?: string;
  instant?: boolean;
  range?: boolean;
  format?: 'table' | 'time_series' | 'heatmap';
}

export class PrometheusSource extends RuntimeDataSource<PrometheusQuery> {
  override interval = `${SCRAPE_S}s`;

  constructor() {
    super('prometheus', UID);
  }

  override query(request: DataQueryRequest<PrometheusQuery>): Observable<DataQueryResponse> {
    return new Observable((subscriber) => {
      const stop = new AbortController();
      const asked = request.targets.filter((one) => one.expr && !one.hide);
      const answers = from(Promise.all(asked.map((one) => runQuery(one, request, stop.signal))));
      const listening = answers.subscribe({
        next: (frames) => {
          subscriber.next({ data: frames.flat(), state: LoadingState.Done });
          subscriber.complete();
        },
        error: (error: unknown) => {
          subscriber.error(error);
        },
      });
      return () => {
        listening.unsubscribe();
        stop.abort();
      };
    });
  }

  override async metricFindQuery(
    query: string | { query?: string },
    options?: { scopedVars?: ScopedVars; range?: DataQueryRequest['range'] },
  ): Promise<MetricFindValue[]> {
    const text = interpolate(typeof query === 'string' ? query : (query.query ?? ''), options?.scopedVars ?? {});
    const [, match, label] = LABEL_VALUES.exec(text) ?? [];
    if (label === undefined) {
      throw new Error(`a variable can ask for label_values(...) here, not for: ${text}`);
    }
    const end = options?.range?.to.valueOf() ?? Date.now();
    const start = options?.range?.from.valueOf() ?? end - 3_600_000;
    const form: [string, string][] = [
      ['start', toSeconds(start)],
      ['end', toSeconds(end)],
    ];
    if (match) {
      form.push(['match[]', match]);
    }
    const values = await askPrometheus<string[]>(`label/${label}/values`, form);
    return values.map((value) => ({ text: value }));
  }

  override testDatasource(): Promise<TestDataSourceResponse> {
    return Promise.resolve({ status: 'success', message: '' });
  }
}

async function runQuery(
  query: PrometheusQuery,
  request: DataQueryRequest<PrometheusQuery>,
  signal: AbortSignal,
): Promise<DataFrame[]> {
  const start = request.range.from.valueOf() / 1000;
  const end = request.range.to.valueOf() / 1000;
  const step = Math.max(SCRAPE_S, Math.ceil(request.intervalMs / 1000));
  const expr = interpolate(query.expr, {
    ...request.scopedVars,
    __interval: { value: `${step}s` },
    __rate_interval: { value: `${Math.max(step + SCRAPE_S, 4 * SCRAPE_S)}s` },
    __range: { value: `${Math.ceil(end - start)}s` },
  });
  if (query.instant) {
    const found = await askPrometheus<{ result: Sample[] }>('query', [['query', expr], ['time', toSeconds(end * 1000)]], signal);
    return query.format === 'table' ? [makeTable(query, found.result)] : found.result.map((one) => makeLine(query, one, 0));
  }
  // On multiples of the step, so that a refresh moves the line and does not redraw another one.
  const form: [string, string][] = [
    ['query', expr],
    ['start', String(Math.floor(start / step) * step)],
    ['end', String(Math.floor(end / step) * step)],
    ['step', String(step)],
  ];
  const found = await askPrometheus<{ result: Sample[] }>('query_range', form, signal);
  return found.result.map((one) => makeLine(query, one, step));
}

function makeLine(query: PrometheusQuery, sample: Sample, step: number): DataFrame {
  const points = sample.values ?? (sample.value ? [sample.value] : []);
  const name = writeLegend(query.legendFormat, sample.metric);
  return createDataFrame({
    refId: query.refId,
    name,
    fields: [
      // With the interval known, a missing point is drawn as a gap.
      { name: 'Time', type: FieldType.time, config: step ? { interval: step * 1000 } : {}, values: points.map((one) => one[0] * 1000) },
      {
        name: 'Value',
        type: FieldType.number,
        labels: sample.metric,
        config: { displayNameFromDS: name },
        values: points.map((one) => readNumber(one[1])),
      },
    ],
  });
}

function makeTable(query: PrometheusQuery, samples: Sample[]): DataFrame {
  const labels = [...new Set(samples.flatMap((one) => Object.keys(one.metric)))].sort();
  return createDataFrame({
    refId: query.refId,
    fields: [
      { name: 'Time', type: FieldType.time, values: samples.map((one) => (one.value?.[0] ?? 0) * 1000) },
      ...labels.map((label) => ({ name: label, type: FieldType.string, values: samples.map((one) => one.metric[label] ?? '') })),
      { name: 'Value', type: FieldType.number, values: samples.map((one) => readNumber(one.value?.[1] ?? 'NaN')) },
    ],
  });
}

function readNumber(text: string): number | null {
  const value = text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text);
  return Number.isNaN(value) ? null : value;
}

function writeLegend(format: string | undefined, labels: Record<string, string>): string {
  if (format && format !== '__auto') {
    return format.replace(/\{\{\s*(.+?)\s*\}\}/g, (_, label: string) => labels[label] ?? '');
  }
  const { __name__: name = '', ...rest } = labels;
  const inside = Object.entries(rest).map(([label, value]) => `${label}="${value}"`);
  return inside.length ? `${name}{${inside.join(', ')}}` : name || 'Value';
}

/** Values of a variable as a regular expression inside a string of PromQL, as Grafana's own data source writes them. */
function writeValues(value: unknown): string {
  const escape = (one: unknown): string => String(one).replace(/[\\^$*+?.()|[\]{}]/g, '\\\\$&');
  if (!Array.isArray(value)) {
    return String(value);
  }
  return value.length === 1 ? escape(value[0]) : `(${value.map(escape).join('|')})`;
}

function interpolate(text: string, variables: ScopedVars): string {
  const place = variables['__sceneObject']?.value as { valueOf(): SceneObject } | undefined;
  return place ? sceneGraph.interpolate(place.valueOf(), text, variables, writeValues) : text;
}

function toSeconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(3);
}
