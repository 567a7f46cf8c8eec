export function AuditPage() {
  return <h1 className="p-4">audit</h1>;
}
