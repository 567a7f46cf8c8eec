export function QuarantinePage() {
  return <h1 className="p-4">quarantine</h1>;
}
