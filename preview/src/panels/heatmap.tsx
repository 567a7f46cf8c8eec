// Grafana publishes no heat map: buckets of a Prometheus histogram as cells, the fuller the brighter.
import { dateTimeFormat, formattedValueToString, getValueFormat, PanelPlugin, type DataFrame, type PanelProps, type ValueFormatter } from '@grafana/data';
import { useMemo, useRef, useEffect, type ReactElement } from 'react';
import { Cells, type Cell } from './cells';
import { Empty } from './empty';

const RAMP_PX = 18;
// Dark to bright; the ends of the scheme "Oranges" as Grafana shows it on dark pages.
const DARK = [74, 35, 12] as const;
const BRIGHT = [255, 214, 165] as const;

interface Options {
  yAxis?: { unit?: string };
}

interface Bucket {
  bound: number;
  /** Time in milliseconds to what fell into this bucket alone. */
  counts: Map<number, number>;
}

function HeatMap({ data, width, height, options, fieldConfig, timeRange, timeZone }: PanelProps<Options>): ReactElement {
  const unit = options.yAxis?.unit ?? fieldConfig.defaults.unit ?? 'short';
  const format = getValueFormat(unit);
  const buckets = useMemo(() => readBuckets(data.series), [data.series]);
  const counts = buckets.flatMap((one) => [...one.counts.values()]);
  const most = Math.max(0, ...counts);
  if (most === 0) {
    return <Empty fieldConfig={fieldConfig} />;
  }
  const step = data.series[0]?.fields[0]?.config.interval ?? 15_000;
  return (
    <>
      <Cells
        cells={makeCells(buckets, most, step, format, timeZone)}
        labels={buckets.map((one) => writeBound(one.bound, format))}
        labelsAtEdges
        rowHeight={0.94}
        width={width}
        height={height - RAMP_PX}
        timeRange={timeRange}
        timeZone={timeZone}
      />
      <Ramp most={most} />
    </>
  );
}

/** From cumulative series with the label `le` to what each bucket holds by itself. */
function readBuckets(frames: DataFrame[]): Bucket[] {
  const sorted = frames
    .map((frame) => ({ frame, bound: Number((frame.fields[1]?.labels?.['le'] ?? 'NaN').replace('+Inf', 'Infinity')) }))
    .filter((one) => !Number.isNaN(one.bound))
    .sort((a, b) => a.bound - b.bound);
  let below = new Map<number, number>();
  const buckets = sorted.map(({ frame, bound }) => {
    const [times, values] = [frame.fields[0]?.values ?? [], frame.fields[1]?.values ?? []];
    const whole = new Map<number, number>(times.map((time: number, index: number) => [time, Number(values[index] ?? 0)]));
    const counts = new Map([...whole].map(([time, count]) => [time, Math.max(0, count - (below.get(time) ?? 0))]));
    below = whole;
    return { bound, counts };
  });
  return dropEdges(buckets);
}

/** Without the empty buckets above and below all that hold something. */
function dropEdges(buckets: Bucket[]): Bucket[] {
  const used = buckets.map((one) => [...one.counts.values()].some((count) => count > 0));
  const first = used.indexOf(true);
  return first < 0 ? [] : buckets.slice(Math.max(0, first - 1), used.lastIndexOf(true) + 1);
}

function makeCells(buckets: Bucket[], most: number, step: number, format: ValueFormatter, timeZone: string): Cell[] {
  return buckets.flatMap((bucket, row) => {
    const under = buckets[row - 1];
    const span = `${under ? writeBound(under.bound, format) : '0'} to ${writeBound(bucket.bound, format)}`;
    return [...bucket.counts].filter(([, count]) => count > 0).map(([time, count]) => ({
      row,
      // A range ends at its time.
      start: time - step,
      end: time,
      color: writeColor(count / most),
      text: `${dateTimeFormat(time, { timeZone, format: 'HH:mm:ss' })}  ${span}: ${Number(count.toPrecision(3))}`,
    }));
  });
}

function writeBound(bound: number, format: ValueFormatter): string {
  return Number.isFinite(bound) ? formattedValueToString(format(bound)).replace('.0 ', ' ') : '∞';
}

function writeColor(share: number): string {
  // The square root: one that fell out is what this panel is for, beside thousands that did not.
  const at = Math.sqrt(share);
  return `rgb(${DARK.map((dark, index) => Math.round(dark + ((BRIGHT[index] ?? dark) - dark) * at)).join(' ')})`;
}

function Ramp({ most }: { most: number }): ReactElement {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    for (let x = 0; context && x < 90; x += 1) {
      context.fillStyle = writeColor(x / 90);
      context.fillRect(x, 0, 1, 8);
    }
  }, []);
  return (
    <div className="ramp">
      <span>0</span>
      <canvas ref={canvas} width={90} height={8} />
      <span>{Number(most.toPrecision(3))}</span>
    </div>
  );
}

export const heatmap = new PanelPlugin<Options>(HeatMap).useFieldConfig();
