import { identityOverrideProcessor, PanelPlugin, type PanelProps } from '@grafana/data';
import { Table, type TableSortByFieldState } from '@grafana/ui';
import type { ReactElement } from 'react';
import { makeProperty } from '../libraries';
import { Empty } from './empty';

interface Options {
  sortBy?: TableSortByFieldState[];
  /** Why there may be no row; the field's own text for that would fill cells. */
  reason?: string;
}

const CUSTOM: Record<string, unknown> = {
  align: 'auto',
  cellOptions: { type: 'auto' },
  width: undefined,
  minWidth: undefined,
  inspect: false,
  filterable: false,
  hidden: false,
};

function Rows({ data, width, height, options, fieldConfig }: PanelProps<Options>): ReactElement {
  const frame = data.series[0];
  if (!frame?.length || !frame.fields.length) {
    return <Empty fieldConfig={fieldConfig} reason={options.reason} />;
  }
  return (
    <Table
      data={frame}
      width={width}
      height={height}
      columnMinWidth={90}
      timeRange={data.timeRange}
      {...(options.sortBy ? { initialSortBy: options.sortBy } : {})}
    />
  );
}

export const table = new PanelPlugin<Options>(Rows).useFieldConfig({
  useCustomConfig: (builder) => {
    for (const [id, value] of Object.entries(CUSTOM)) {
      builder.addCustomEditor(makeProperty(id, identityOverrideProcessor, value));
    }
  },
});
