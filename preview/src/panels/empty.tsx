// What a panel without data says: why, where its dashboard announced it.
import type { DataFrame, PanelProps } from '@grafana/data';
import type { ReactElement } from 'react';

export function hasValues(frames: DataFrame[]): boolean {
  return frames.some((frame) => frame.fields.some((field) => field.name !== 'Time' && field.values.some((one) => one !== null)));
}

export function Empty({ fieldConfig, reason }: Pick<PanelProps, 'fieldConfig'> & { reason?: string | undefined }): ReactElement {
  return (
    <div className="empty" data-empty="">
      {reason || fieldConfig.defaults.noValue || 'No data'}
    </div>
  );
}
