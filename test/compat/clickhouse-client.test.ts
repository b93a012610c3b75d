import { after, before, describe, it } from 'node:test';
import { Readable } from 'node:stream';
import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client';
import { expect } from 'expect';
import { startInfrastructure, type ClickHouseAccess, type RunningStack } from '@weir/testing';

interface Row {
  readonly id: string;
  readonly name: string;
  readonly cost: string;
}

/** 64-bit numbers and decimals as text, as they are in the database. */
const EXACT = { output_format_json_quote_64bit_integers: 1, output_format_json_quote_decimals: 1 } as const;

function connect(access: ClickHouseAccess, compression: boolean): ClickHouseClient {
  return createClient({
    url: access.url,
    username: access.user,
    password: access.password,
    database: access.database,
    compression: { request: compression, response: compression },
    log: { level: ClickHouseLogLevel.OFF },
  });
}

for (const compression of [false, true]) {
  describe(`@clickhouse/client works against the local front (compression ${compression ? 'on' : 'off'})`, () => {
    let stack: RunningStack;
    let writer: ClickHouseClient;
    let reader: ClickHouseClient;

    before(async () => {
      stack = await startInfrastructure({ parts: ['clickhouse'] });
      writer = connect(stack.connection.internal.clickhouseWriter, compression);
      reader = connect(stack.connection.clickhouse, compression);
      await writer.command({
        query: 'CREATE TABLE charges (id UInt64, name String, cost Decimal(38, 12)) ENGINE = MergeTree ORDER BY id',
      });
    });

    after(async () => {
      await Promise.all([writer.close(), reader.close()]);
      await stack.stop();
    });

    it('pings with and without a query', async () => {
      expect(await reader.ping()).toEqual({ success: true });
      expect(await reader.ping({ select: true })).toEqual({ success: true });
    });

    it('inserts values and reads them back, exact to the last digit', async () => {
      const values: Row[] = [
        { id: '18446744073709551615', name: "a'b\\c\n表", cost: '0.000000000001' },
        { id: '2', name: '', cost: '99999999999999999999999999.999999999999' },
      ];
      const inserted = await writer.insert({ table: 'charges', values, format: 'JSONEachRow' });
      expect(inserted.summary?.written_rows).toBe('2');
      const result = await reader.query({
        query: 'SELECT * FROM charges ORDER BY id DESC',
        format: 'JSONEachRow',
        clickhouse_settings: EXACT,
      });
      expect(await result.json<Row>()).toEqual(values);
    });

    it('inserts a stream and reads a stream', async () => {
      const count = 20_000;
      const rows = Array.from({ length: count }, (_, i) => ({ id: String(i + 1000), name: `row ${i}`, cost: '1' }));
      await writer.insert({ table: 'charges', values: Readable.from(rows), format: 'JSONEachRow' });
      const result = await reader.query({
        query: "SELECT id FROM charges WHERE name LIKE 'row %' ORDER BY id",
        format: 'JSONEachRow',
        clickhouse_settings: EXACT,
      });
      const ids: string[] = [];
      for await (const chunk of result.stream<{ id: string }>()) for (const row of chunk) ids.push(row.json().id);
      expect([ids.length, ids[0], ids.at(-1)]).toEqual([count, '1000', String(count + 999)]);
    });

    it('binds parameters of every usual kind', async () => {
      const result = await reader.query({
        query:
          'SELECT {text:String} AS text, {number:Int64} AS number, {list:Array(String)} AS list, {day:Date} AS day, {none:Nullable(String)} AS none',
        query_params: { text: "it's\t\\ok", number: -7, list: ["a'", 'b'], day: '2026-11-22', none: null },
        format: 'JSONEachRow',
        clickhouse_settings: EXACT,
      });
      const expected = { text: "it's\t\\ok", number: '-7', list: ["a'", 'b'], day: '2026-11-22', none: null };
      expect(await result.json()).toEqual([expected]);
    });

    it('gives the query its id, its summary and its errors', async () => {
      const result = await reader.query({ query: 'SELECT 1', query_id: 'chosen' });
      await result.text();
      expect(result.query_id).toBe('chosen');
      await expect(reader.query({ query: 'SELECT * FROM missing' })).rejects.toMatchObject({
        code: '60',
        type: 'UNKNOWN_TABLE',
      });
      await expect(reader.command({ query: 'DROP TABLE charges' })).rejects.toMatchObject({
        code: '164',
        type: 'READONLY',
      });
      await expect(
        writer.insert({ table: 'charges', values: [{ id: 'no number' }], format: 'JSONEachRow' }),
      ).rejects.toMatchObject({ code: '27' });
    });

    it('runs statements that are no query', async () => {
      await writer.command({ query: 'ALTER TABLE charges ADD COLUMN IF NOT EXISTS team String' });
      await writer.exec({ query: 'OPTIMIZE TABLE charges FINAL' });
      const result = await reader.query({ query: 'DESCRIBE TABLE charges', format: 'JSONEachRow' });
      const columns = await result.json<{ name: string }>();
      expect(columns.map((column) => column.name)).toEqual(['id', 'name', 'cost', 'team']);
    });

    it('aborts', async () => {
      const endless = { query: 'SELECT sum(sipHash64(number)) FROM numbers(1000000000000)' };
      const signal = AbortSignal.timeout(200);
      await expect(reader.query({ ...endless, abort_signal: signal })).rejects.toThrow(/abort/i);
      expect(await (await reader.query({ query: 'SELECT 1', format: 'TabSeparated' })).text()).toBe('1\n');
    });
  });
}
