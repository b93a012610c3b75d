/** Where a process of a stack under test finds the offset of its clock: both undefined where it is no service, or none is set. */
export function readClockFolder(): { readonly folder: string | undefined; readonly service: string | undefined } {
  return { folder: process.env['WEIR_CHAOS_CLOCKS'], service: process.env['WEIR_SERVICE_ID']?.replace(/-\d+$/, '') };
}

/** Where programs are found. */
export const readPath = (): string | undefined => process.env['PATH'];
