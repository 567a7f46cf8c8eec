export function OrderPage() {
  return <h1 className="p-4">order</h1>;
}
