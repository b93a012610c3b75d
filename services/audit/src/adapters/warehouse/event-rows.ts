import { defineSinkTable, countCell, type LandingEvent, type RowSource } from '@weir/landing';

const events = defineSinkTable<LandingEvent>({
  name: 'events',
  timeColumn: 'time',
  time: ({ envelope }) => envelope.time,
  columns: {
    event_id: ({ envelope }) => envelope.eventId,
    type: ({ envelope }) => envelope.type,
    version: ({ envelope }) => countCell(envelope.version, 2 ** 32 - 1),
    organisation_id: ({ envelope }) => envelope.organisationId ?? '',
    call_id: ({ envelope }) => envelope.callId,
    leaf: ({ leaf }) => leaf,
    annex: ({ annex }) => annex,
    partition: ({ partition }) => partition,
  },
});

/** Every event lands as it was journalled, also one whose data cannot be read: nothing is missing from the record. */
export const eventRows: RowSource = (event) => [events.row(event, event)];
