// Coloured cells over time, for the panels whose code Grafana does not publish: heat map and state timeline.
import type { GrafanaTheme2, TimeRange } from '@grafana/data';
import { AxisPlacement, ScaleDirection, ScaleOrientation } from '@grafana/schema';
import { UPlotChart, UPlotConfigBuilder, useTheme2 } from '@grafana/ui';
import { useMemo, useRef, useState, type ReactElement } from 'react';
import type uPlot from 'uplot';

const LABEL_PX = 11; // height a label of the left axis needs

/** `row` counts from below; `start` and `end` are milliseconds. */
export interface Cell {
  row: number;
  start: number;
  end: number;
  color: string;
  text: string;
}

interface Told {
  left: number;
  top: number;
  text: string;
}

export interface CellsProps {
  cells: Cell[];
  /** From below. */
  labels: string[];
  /** True: a label stands at the upper edge of its row, as that of a bucket does. */
  labelsAtEdges: boolean;
  /** Part of a row's height that is filled. */
  rowHeight: number;
  width: number;
  height: number;
  timeRange: TimeRange;
  timeZone: string;
}

export function Cells(props: CellsProps): ReactElement {
  const theme = useTheme2();
  const [told, setTold] = useState<Told | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const shape = `${props.labels.join('\n')} ${props.labelsAtEdges} ${props.timeZone} ${props.height}`;
  const config = useMemo(
    () => makeConfig(() => latest.current, theme, setTold),
    // The chart is made anew when its axes change; cells and times it looks up when it draws.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [shape, theme],
  );
  const times = [props.timeRange.from.valueOf(), props.timeRange.to.valueOf()];
  return (
    <div className="cells" onMouseLeave={() => { setTold(null); }}>
      <UPlotChart config={config} data={[times, [0, 0]]} width={props.width} height={props.height} />
      {told && (
        <div className="told" style={{ left: told.left, top: told.top, transform: told.left > props.width / 2 ? 'translateX(-100%)' : 'none' }}>
          {told.text}
        </div>
      )}
    </div>
  );
}

function makeConfig(read: () => CellsProps, theme: GrafanaTheme2, tell: (told: Told | null) => void): UPlotConfigBuilder {
  const { labels, labelsAtEdges, timeZone, height } = read();
  const builder = new UPlotConfigBuilder(timeZone);
  const every = Math.max(1, Math.ceil((labels.length * LABEL_PX) / Math.max(1, height - 40)));
  const shown = labels.map((_, row) => row).filter((row) => row % every === 0);
  builder.addScale({
    scaleKey: 'x',
    isTime: true,
    orientation: ScaleOrientation.Horizontal,
    direction: ScaleDirection.Right,
    range: () => [read().timeRange.from.valueOf(), read().timeRange.to.valueOf()],
  });
  builder.addScale({
    scaleKey: 'rows',
    isTime: false,
    orientation: ScaleOrientation.Vertical,
    direction: ScaleDirection.Up,
    range: () => [0, Math.max(1, labels.length)],
  });
  builder.addAxis({ scaleKey: 'x', isTime: true, placement: AxisPlacement.Bottom, timeZone, theme, grid: { show: false } });
  builder.addAxis({
    scaleKey: 'rows',
    placement: AxisPlacement.Left,
    theme,
    grid: { show: false },
    ticks: { show: false },
    splits: () => shown.map((row) => row + (labelsAtEdges ? 1 : 0.5)),
    values: () => shown.map((row) => labels[row] ?? ''),
  });
  builder.addSeries({ scaleKey: 'rows', theme, show: true, lineWidth: 0, lineColor: 'transparent', pxAlign: true });
  builder.setCursor({ drag: { x: false, y: false }, points: { show: false }, y: false });
  builder.addHook('draw', (plot: uPlot) => {
    drawCells(plot, read());
  });
  builder.addHook('setCursor', (plot: uPlot) => {
    tell(findTold(plot, read()));
  });
  return builder;
}

function drawCells(plot: uPlot, { cells, rowHeight }: CellsProps): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  const margin = (1 - rowHeight) / 2;
  for (const cell of cells) {
    const left = Math.round(plot.valToPos(cell.start, 'x', true));
    const right = Math.round(plot.valToPos(cell.end, 'x', true));
    const top = Math.round(plot.valToPos(cell.row + 1 - margin, 'rows', true));
    const bottom = Math.round(plot.valToPos(cell.row + margin, 'rows', true));
    ctx.fillStyle = cell.color;
    ctx.fillRect(left, top, Math.max(1, right - left), Math.max(1, bottom - top));
  }
  ctx.restore();
}

function findTold(plot: uPlot, { cells }: CellsProps): Told | null {
  const { left = -1, top = -1 } = plot.cursor;
  if (left < 0 || top < 0) {
    return null;
  }
  const time = plot.posToVal(left, 'x');
  const row = Math.floor(plot.posToVal(top, 'rows'));
  const cell = cells.find((one) => one.row === row && one.start <= time && time < one.end);
  return cell ? { left: left + plot.bbox.left / devicePixelRatio, top: top + 12, text: cell.text } : null;
}
