import { applyNullInsertThreshold, identityOverrideProcessor, PanelPlugin, type DataFrame, type PanelProps } from '@grafana/data';
import { GraphGradientMode, GraphDrawStyle, SortOrder, TooltipDisplayMode, VisibilityMode, type OptionsWithLegend, type OptionsWithTooltip, type VizLegendOptions } from '@grafana/schema';
import { TimeSeries, TooltipPlugin, ZoomPlugin } from '@grafana/ui';
import { useMemo, type ReactElement } from 'react';
import { makeProperty } from '../libraries';
import { Empty, hasValues } from './empty';

type Options = Partial<OptionsWithLegend & OptionsWithTooltip>;

// The options of a line that the libraries read.
const CUSTOM: Record<string, unknown> = {
  drawStyle: GraphDrawStyle.Line,
  lineWidth: 1,
  fillOpacity: 0,
  lineInterpolation: undefined,
  gradientMode: GraphGradientMode.None,
  showPoints: VisibilityMode.Auto,
  pointSize: 5,
  spanNulls: false,
  stacking: undefined,
  axisPlacement: 'auto',
  axisLabel: undefined,
  axisSoftMin: undefined,
  axisSoftMax: undefined,
  axisColorMode: undefined,
  axisGridShow: undefined,
  axisWidth: undefined,
  hideFrom: { legend: false, tooltip: false, viz: false },
  lineStyle: undefined,
  thresholdsStyle: undefined,
  barAlignment: undefined,
  scaleDistribution: undefined,
  transform: undefined,
};

function Lines({ data, width, height, options, timeRange, timeZone, fieldConfig, onChangeTimeRange }: PanelProps<Options>): ReactElement {
  const frames = useMemo(() => data.series.map(openGaps), [data.series]);
  if (!hasValues(data.series)) {
    return <Empty fieldConfig={fieldConfig} />;
  }
  // @grafana/schema declares this enumeration twice, and exports the one that its own interface does not name.
  // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment
  const legend: VizLegendOptions = { showLegend: true, displayMode: 'list' as VizLegendOptions['displayMode'], placement: 'bottom', calcs: [], ...options.legend };
  return (
    <TimeSeries
      frames={frames}
      structureRev={data.structureRev ?? 0}
      width={width}
      height={height}
      legend={legend}
      timeRange={timeRange}
      timeZone={timeZone}
      options={options}
    >
      {(config, frame) => (
        <>
          <ZoomPlugin config={config} onZoom={onChangeTimeRange} />
          <TooltipPlugin
            config={config}
            data={frame}
            frames={frames}
            mode={options.tooltip?.mode ?? TooltipDisplayMode.Multi}
            sortOrder={options.tooltip?.sort ?? SortOrder.Descending}
            timeZone={timeZone}
          />
        </>
      )}
    </TimeSeries>
  );
}

/** A missing point as a gap. The library does so itself when it first draws a frame, and joins the ends when it draws it again. */
function openGaps(frame: DataFrame): DataFrame {
  return applyNullInsertThreshold({ frame: { ...frame, fields: frame.fields.map((one) => ({ ...one })) } });
}

export const timeseries = new PanelPlugin<Options>(Lines).useFieldConfig({
  useCustomConfig: (builder) => {
    for (const [id, value] of Object.entries(CUSTOM)) {
      builder.addCustomEditor(makeProperty(id, identityOverrideProcessor, value));
    }
  },
});
