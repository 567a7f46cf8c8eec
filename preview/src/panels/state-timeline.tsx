// Grafana publishes no state timeline: one row for each series, its states as stretches of colour.
import { dateTimeFormat, PanelPlugin, type Field, type PanelProps } from '@grafana/data';
import type { ReactElement } from 'react';
import { Cells, type Cell } from './cells';
import { Empty, hasValues } from './empty';

interface Options {
  rowHeight?: number;
}

function States({ data, width, height, options, fieldConfig, timeRange, timeZone }: PanelProps<Options>): ReactElement {
  if (!hasValues(data.series)) {
    return <Empty fieldConfig={fieldConfig} />;
  }
  // The first series on top.
  const series = [...data.series].reverse();
  return (
    <Cells
      cells={series.flatMap((frame, row) => makeStretches(frame.fields[0], frame.fields[1], row, timeZone))}
      labels={series.map((frame) => frame.name ?? '')}
      labelsAtEdges={false}
      rowHeight={options.rowHeight ?? 0.9}
      width={width}
      height={height}
      timeRange={timeRange}
      timeZone={timeZone}
    />
  );
}

/** Neighbours with the same value become one; a gap of more than a step stays one. */
function makeStretches(times: Field | undefined, values: Field | undefined, row: number, timeZone: string): Cell[] {
  const step = times?.config.interval ?? 15_000;
  const stretches: (Cell & { value: number })[] = [];
  times?.values.forEach((time: number, index: number) => {
    const value = values?.values[index] as number | null | undefined;
    const last = stretches.at(-1);
    if (value === null || value === undefined) {
      return;
    }
    if (last?.value === value && last.end >= time) {
      last.end = time + step;
      return;
    }
    const shown = values?.display?.(value);
    const since = dateTimeFormat(time, { timeZone, format: 'HH:mm:ss' });
    stretches.push({ row, start: time, end: time + step, value, color: shown?.color ?? 'grey', text: `${shown?.text ?? String(value)} since ${since}` });
  });
  return stretches;
}

export const stateTimeline = new PanelPlugin<Options>(States).useFieldConfig();
