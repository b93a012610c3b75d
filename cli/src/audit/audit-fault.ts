/** What verification can find. Stable: scripts decide by it. */
export type FaultCode =
  | 'leaf_missing'
  | 'leaf_repeated'
  | 'leaf_changed'
  | 'leaf_beyond_head'
  | 'root_differs'
  | 'checkpoint_invalid'
  | 'checkpoint_ahead'
  | 'checkpoint_missing'
  | 'key_unknown'
  | 'key_unlogged'
  | 'head_invalid'
  | 'sequence_missing'
  | 'sequence_repeated'
  | 'watermark_differs'
  | 'row_missing'
  | 'row_repeated'
  | 'row_without_leaf'
  | 'column_differs'
  | 'column_unknown'
  | 'ledger_differs'
  | 'export_invalid';

/** Where a fault is: as much as is known. */
export type FaultPlace = Readonly<Record<string, string | number>>;

/** The first fault of the record; verification ends with it. */
export class AuditFault extends Error {
  override readonly name = 'AuditFault';
  constructor(
    readonly code: FaultCode,
    message: string,
    readonly place: FaultPlace,
  ) {
    super(message);
  }
}
