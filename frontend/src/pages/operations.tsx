export function OperationsPage() {
  return <h1 className="p-4">operations</h1>;
}
