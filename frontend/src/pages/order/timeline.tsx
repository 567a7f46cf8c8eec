import { useMemo } from 'react';
import type { Order } from '../../api/types';
import { buildTimeline } from '../../lib/timeline';
import { formatExact } from '../../lib/time';
import { CopyText } from '../../ui/copy-text';
import { Dot } from '../../ui/marks';

export function Timeline({ order }: { order: Order }) {
  const moments = useMemo(() => buildTimeline(order), [order]);
  return (
    <ol className="relative flex flex-col">
      {moments.map((moment, index) => (
        <li key={moment.key} className="relative grid grid-cols-[12px_1fr] gap-x-3 pb-4 last:pb-0 md:grid-cols-[150px_12px_1fr]">
          <time dateTime={moment.at} className="hidden text-right text-xs leading-[18px] text-muted md:block">
            {formatExact(moment.at)}
          </time>
          <span className="relative flex justify-center pt-[5px]">
            <Dot tone={moment.tone} />
            {index < moments.length - 1 && <span aria-hidden="true" className="absolute top-4 -bottom-4 w-px bg-line" />}
          </span>
          <div className="min-w-0">
            <p className="font-medium">{moment.title}</p>
            <p className="text-xs text-muted md:hidden">{formatExact(moment.at)}</p>
            {moment.problem !== null && <p className="text-xs break-words text-bad">{moment.problem}</p>}
            <p className="flex flex-wrap gap-x-3 text-xs text-muted">
              {moment.facts.length > 0 && <span className="min-w-0 break-words">{moment.facts.join(' · ')}</span>}
              {moment.requestId !== null && (
                <span className="min-w-0 truncate">
                  request <CopyText text={moment.requestId} />
                </span>
              )}
            </p>
          </div>
        </li>
      ))}
    </ol>
  );
}
