export function ChannelsPage() {
  return <h1 className="p-4">channels</h1>;
}
