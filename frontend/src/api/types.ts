// The API's types under the names the pages use.
import type { components } from './schema';

type Schemas = components['schemas'];

export type Session = Schemas['SessionAnswer'];
export type Role = 'viewer' | 'operator' | 'admin';
export type OrderSummary = Schemas['OrderSummary'];
export type Order = Schemas['OrderAnswer'];
export type OrderItem = Schemas['OrderItemAnswer'];
export type OrderEvent = Schemas['OrderEventAnswer'];
export type Delivery = Schemas['DeliveryAnswer'];
export type Push = Schemas['PushAnswer'];
export type Progress = Schemas['StatusChangeBody']['status'];
export type StatusOutcome = Schemas['StatusOutcome'];
export type Quarantined = Schemas['QuarantinedSummary'];
export type Channel = Schemas['ChannelLive'];
export type Snapshot = Schemas['Snapshot'];
export type Alert = Schemas['AlertAnswer'];
export type Series = Schemas['SeriesAnswer'];
export type Graph = Schemas['GraphAnswer'];
export type AuditEntry = Schemas['AuditEntryAnswer'];
