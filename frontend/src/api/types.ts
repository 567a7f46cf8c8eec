// The API's types under the names the pages use.
import type { AuditEntry, Session, StatusOutcome } from './pending';
import type { components } from './schema';

type Schemas = components['schemas'];

export type { AuditEntry, Session, StatusOutcome };
export type Role = Session['user']['role'];
export type OrderSummary = Schemas['OrderSummary'];
export type Order = Schemas['OrderAnswer'];
export type OrderItem = Schemas['OrderItemAnswer'];
export type OrderEvent = Schemas['OrderEventAnswer'];
export type Delivery = Schemas['DeliveryAnswer'];
export type Quarantined = Schemas['QuarantinedSummary'];
export type Progress = Schemas['StatusChangeBody']['status'];
