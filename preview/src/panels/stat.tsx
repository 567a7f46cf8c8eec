import { getFieldDisplayValues, PanelPlugin, VizOrientation, type FieldDisplay, type PanelProps, type ReduceDataOptions } from '@grafana/data';
import { BigValue, BigValueColorMode, BigValueGraphMode, BigValueJustifyMode, BigValueTextMode, useTheme2, VizRepeater } from '@grafana/ui';
import type { ReactElement } from 'react';
import { Empty, hasValues } from './empty';

interface Options {
  colorMode?: BigValueColorMode;
  graphMode?: BigValueGraphMode;
  textMode?: BigValueTextMode;
  justifyMode?: BigValueJustifyMode;
  orientation?: VizOrientation;
  reduceOptions?: ReduceDataOptions;
}

function Values({ data, options, fieldConfig, width, height, timeZone, replaceVariables, renderCounter }: PanelProps<Options>): ReactElement {
  const theme = useTheme2();
  if (!hasValues(data.series)) {
    return <Empty fieldConfig={fieldConfig} />;
  }
  const getValues = (): FieldDisplay[] =>
    getFieldDisplayValues({
      fieldConfig,
      reduceOptions: { values: false, calcs: ['lastNotNull'], ...options.reduceOptions },
      replaceVariables,
      theme,
      data: data.series,
      sparkline: options.graphMode !== BigValueGraphMode.None,
      timeZone,
    });
  return (
    <VizRepeater
      getValues={getValues}
      renderValue={({ value, width: one, height: high, count }) => (
        <BigValue
          value={value.display}
          count={count}
          {...(value.sparkline ? { sparkline: value.sparkline } : {})}
          colorMode={options.colorMode ?? BigValueColorMode.Value}
          graphMode={options.graphMode ?? BigValueGraphMode.Area}
          justifyMode={options.justifyMode ?? BigValueJustifyMode.Auto}
          // One value is named by the panel's title.
          textMode={count === 1 ? BigValueTextMode.Value : (options.textMode ?? BigValueTextMode.Auto)}
          width={one}
          height={high}
          theme={theme}
        />
      )}
      width={width}
      height={height}
      source={data}
      orientation={options.orientation ?? VizOrientation.Auto}
      itemSpacing={4}
      autoGrid
      renderCounter={renderCounter}
    />
  );
}

export const stat = new PanelPlugin<Options>(Values).useFieldConfig();
