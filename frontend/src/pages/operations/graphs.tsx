import { useQuery } from '@tanstack/react-query';
import { seriesQuery } from '../../api/service';
import { ErrorNote } from '../../ui/states';
import { SmallGraph } from './small-graph';

const EXPECTED = 14; // graphs, for their places while they are on their way

/** The last hour, from the recorded series that the dashboards use. */
export function Graphs() {
  const query = useQuery(seriesQuery);
  return (
    <section aria-labelledby="graphs-title">
      <h2 id="graphs-title" className="mb-2 font-semibold">
        The last hour
      </h2>
      {query.isError && <ErrorNote error={query.error} onRetry={() => void query.refetch()} />}
      <div className="grid gap-4 sm:grid-cols-2 lg:grid-cols-3 2xl:grid-cols-4">
        {query.isPending && Array.from({ length: EXPECTED }, (_, index) => <div key={index} className="skeleton h-[188px]" />)}
        {query.data && Object.entries(query.data.series).map(([key, graph]) => <SmallGraph key={key} graph={graph} />)}
      </div>
    </section>
  );
}
