import { useEffect, useMemo, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Graph } from '../../api/types';
import { alignLines, nameLine } from '../../lib/graphs';
import { useStore } from '../../lib/store';
import { formatUnit } from '../../lib/numbers';
import { theme } from '../../lib/theme';
import { Icon } from '../../ui/icons';

const HEIGHT = 104; // px
const COLOURS = ['--accent', '--ok', '--violet', '--warn', '--bad', '--muted'];
const LEGEND = 4; // names below a graph; more would be a table

export function SmallGraph({ graph }: { graph: Graph }) {
  const names = useMemo(() => graph.lines.map((line) => nameLine(line.labels, graph.lines.map((one) => one.labels))), [graph]);
  const empty = graph.lines.every((line) => line.points.every(([, value]) => value === null));
  return (
    <figure className="card flex h-[188px] min-w-0 flex-col px-3 pt-2.5 pb-2">
      <figcaption className="flex items-center justify-between gap-2">
        <span className="min-w-0 truncate font-medium" title={graph.title}>
          {graph.title}
        </span>
        <a href={graph.dashboard} aria-label={`${graph.title}: dashboard`} title="The dashboard, at the same time" className="rounded p-0.5 text-muted hover:bg-hover hover:text-text">
          <Icon name="out" className="size-3.5" />
        </a>
      </figcaption>
      {empty ? <p className="flex flex-1 items-center justify-center text-xs text-muted">Nothing was measured in this hour</p> : <Plot graph={graph} />}
      {!empty && (
        <p className="mt-auto flex h-4 gap-x-3 overflow-hidden text-xs text-muted">
          {names.slice(0, LEGEND).map((name, index) => (
            <span key={name} className="flex min-w-0 items-center gap-1">
              {graph.lines.length > 1 && <Swatch index={index} />}
              <span className="truncate">
                {name} <span className="text-text">{tellLast(graph, index)}</span>
              </span>
            </span>
          ))}
          {names.length > LEGEND && <span className="shrink-0">and {names.length - LEGEND}</span>}
        </p>
      )}
    </figure>
  );
}

const SWATCHES = ['bg-accent', 'bg-ok', 'bg-violet', 'bg-warn', 'bg-bad', 'bg-muted'];

function Swatch({ index }: { index: number }) {
  return <span aria-hidden="true" className={`h-0.5 w-2.5 shrink-0 rounded ${SWATCHES[index % SWATCHES.length] ?? ''}`} />;
}

function tellLast(graph: Graph, index: number): string {
  const last = graph.lines[index]?.points.findLast(([, value]) => value !== null)?.[1];
  return last == null ? 'none' : formatUnit(last, graph.unit);
}

function Plot({ graph }: { graph: Graph }) {
  const place = useRef<HTMLDivElement>(null);
  const chosen = useStore(theme);
  useEffect(() => {
    const element = place.current;
    if (element === null) {
      return;
    }
    const draw = (): uPlot => new uPlot(makeOptions(graph, element), alignLines(graph.lines) as uPlot.AlignedData, element);
    let plot = draw();
    const resize = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }));
    resize.observe(element);
    // The canvas has no styles that follow the theme.
    const dark = window.matchMedia('(prefers-color-scheme: dark)');
    const redraw = (): void => {
      plot.destroy();
      plot = draw();
    };
    dark.addEventListener('change', redraw);
    return () => {
      dark.removeEventListener('change', redraw);
      resize.disconnect();
      plot.destroy();
    };
  }, [graph, chosen]);
  return <div ref={place} aria-hidden="true" className="mt-1 h-[104px] min-w-0 overflow-hidden" />;
}

/** A colour of the theme as the canvas takes it. */
function readColour(name: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

function makeOptions(graph: Graph, element: HTMLElement): uPlot.Options {
  const muted = readColour('--muted');
  const grid = readColour('--line');
  const axis = { stroke: muted, font: '10px Inter, sans-serif', ticks: { show: false }, grid: { stroke: grid, width: 1 } };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    padding: [6, 4, 0, 0],
    scales: { y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] } },
    axes: [
      { ...axis, size: 18, gap: 2, space: 60, grid: { show: false }, values: (_, times) => times.map((at) => clock.format(at * 1000)) },
      { ...axis, size: 52, gap: 4, space: 30, values: (_, values) => values.map((value) => formatUnit(value, graph.unit)) },
    ],
    series: [{}, ...graph.lines.map((_, index) => ({ stroke: readColour(COLOURS[index % COLOURS.length] ?? '--muted'), width: 1.5, points: { show: false } }))],
  };
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
