import { Button } from './button';

interface OlderOnesProps {
  list: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => Promise<unknown> };
}

/** What asks for the next page of a list, while there is one. */
export function OlderOnes({ list }: OlderOnesProps) {
  return (
    list.hasNextPage && (
      <Button className="self-center" disabled={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
        {list.isFetchingNextPage ? 'Loading' : 'Older ones'}
      </Button>
    )
  );
}
