import { after, before, describe, it } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { readdir } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { expect } from 'expect';
import { startInfrastructure, type RunningStack } from '@weir/testing';
import { ask, asUser } from './front-client.fixture.js';

const BODY_BYTES_MAX = 1024 * 1024;

describe('the ClickHouse front speaks the HTTP interface of ClickHouse', () => {
  let stack: RunningStack;
  let url: string;
  let write: ReturnType<typeof asUser>;
  let read: ReturnType<typeof asUser>;

  before(async () => {
    stack = await startInfrastructure({
      parts: ['clickhouse'],
      environment: { WEIR_FRONT_BODY_BYTES: String(BODY_BYTES_MAX) },
    });
    url = stack.connection.clickhouse.url;
    write = asUser(stack.connection.internal.clickhouseWriter);
    read = asUser(stack.connection.clickhouse);
    await write('CREATE TABLE rows (id UInt64, name String) ENGINE = MergeTree ORDER BY id');
  });

  after(() => stack.stop());

  it('greets on / and /ping without credentials', async () => {
    for (const path of ['/', '/ping', '/replicas_status']) {
      const response = await fetch(`${url}${path}`);
      expect([path, response.status, await response.text()]).toEqual([path, 200, 'Ok.\n']);
    }
    expect((await fetch(`${url}/nothing`)).status).toBe(404);
  });

  it('takes a statement from the URL by GET and POST, from the body, and from both together', async () => {
    expect((await read('SELECT 1', { method: 'GET' })).text).toBe('1\n');
    expect((await read('SELECT 2')).text).toBe('2\n');
    expect((await read('', { body: 'SELECT 3' })).text).toBe('3\n');
    expect((await read('SELECT', { body: '4 FORMAT CSV' })).text).toBe('4\n');
  });

  it('tells query, format, time zone, server and counts in headers', async () => {
    const answer = await read('SELECT number FROM numbers(10) FORMAT JSONEachRow', {
      parameters: { query_id: 'my-query' },
    });
    expect(answer.headers.get('x-clickhouse-query-id')).toBe('my-query');
    expect(answer.headers.get('x-clickhouse-format')).toBe('JSONEachRow');
    expect(answer.headers.get('x-clickhouse-timezone')).toMatch(/UTC/);
    expect(answer.headers.get('x-clickhouse-server-display-name')).toBe('weir-local');
    expect(answer.headers.get('content-type')).toMatch(/ndjson/);
    expect(answer.summary).toMatchObject({ read_rows: '10', result_rows: '10', written_rows: '0' });
    expect((await read('SELECT 1')).headers.get('x-clickhouse-query-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('keeps a query_id that would end the header line inside it', async () => {
    const answer = await read('SELECT 1', { parameters: { query_id: 'a\r\nx-injected: 1' } });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-injected')).toBeNull();
  });

  it('passes FORMAT through and takes default_format and database from the URL', async () => {
    expect(JSON.parse((await read('SELECT 1 AS x FORMAT JSON')).text)).toMatchObject({ data: [{ x: 1 }] });
    expect((await read('SELECT 1 AS x', { parameters: { default_format: 'JSONEachRow' } })).text).toBe('{"x":1}\n');
    expect((await read('SELECT 1 AS x', { headers: { 'x-clickhouse-format': 'CSVWithNames' } })).text).toBe('"x"\n1\n');
    expect((await read('SELECT currentDatabase()')).text).toBe('weir\n');
    expect((await read('SELECT currentDatabase()', { parameters: { database: 'system' } })).text).toBe('system\n');
  });

  it('inserts with the statement in the URL and rows in the body, with all in the body, and binary rows byte for byte', async () => {
    const inUrl = await write('INSERT INTO rows FORMAT JSONEachRow', {
      body: '{"id":1,"name":"é"}\n{"id":2,"name":"b"}\n',
    });
    expect(inUrl.summary).toMatchObject({ written_rows: '2' });
    const inBody = await write('', { body: 'INSERT INTO rows FORMAT TabSeparated\n3\tc\n4\td\n' });
    expect(inBody.summary).toMatchObject({ written_rows: '2' });
    const row = new Uint8Array([5, 0, 0, 0, 0, 0, 0, 0, 3, 0xff, 0x0a, 0x00]);
    expect((await write('INSERT INTO rows FORMAT RowBinary', { body: row })).summary).toMatchObject({
      written_rows: '1',
    });
    expect((await write("INSERT INTO rows VALUES (6, 'f')")).summary).toMatchObject({ written_rows: '1' });
    expect((await write("INSERT INTO rows VALUES (7, 'g')", { method: 'GET' })).summary).toMatchObject({
      written_rows: '1',
    });
    expect((await read('SELECT id, hex(name) FROM rows ORDER BY id FORMAT CSV')).text).toBe(
      '1,"C3A9"\n2,"62"\n3,"63"\n4,"64"\n5,"FF0A00"\n6,"66"\n7,"67"\n',
    );
  });

  it('inserts many rows as one block or not at all, whatever bytes they hold, and keeps nothing of them', async () => {
    const setting = 'async_insert = 0, input_format_parallel_parsing = 0, max_threads = 1';
    const insert = (body: Uint8Array<ArrayBuffer> | string, format = 'TabSeparated') =>
      write(`INSERT INTO weir.rows (id, name) SETTINGS ${setting} FORMAT ${format}`, { body });
    const lines = Array.from({ length: 60_000 }, (_, index) => `${index + 1_000}\té '${index}\n`);
    expect((await insert(lines.join(''))).summary).toMatchObject({ written_rows: '60000' });
    const parts = "SELECT count() FROM system.parts WHERE table = 'rows' AND level = 0 AND rows = 60000";
    expect((await write(parts)).text).toBe('1\n');
    const refused = await insert(lines.toSpliced(30_000, 0, 'no number\tx\n').join(''));
    expect(refused.headers.get('x-clickhouse-exception-code')).toBe('27');
    const row = Uint8Array.from([9, 0, 0, 0, 0, 0, 0, 0, 3, 0xff, 0x0a, 0x00]);
    const binary = Uint8Array.from({ length: row.length * 6_000 }, (_, index) => row[index % row.length] ?? 0);
    expect((await insert(binary, 'RowBinary')).summary).toMatchObject({ written_rows: '6000' });
    expect((await read('SELECT count(), uniqExact(name) FROM rows WHERE id >= 1000')).text).toBe('60000\t60000\n');
    expect((await read('SELECT DISTINCT hex(name) FROM rows WHERE id = 9')).text).toBe('FF0A00\n');
    expect(await readdir(join(stack.home, 'clickhouse.spool'))).toEqual([]);
  });

  it('binds parameters without letting them into the statement', async () => {
    const hostile = "x' OR 1=1 -- `;\\";
    const answer = await read(
      'SELECT {text:String} AS text, {number:UInt64} + 1 AS number, {list:Array(String)} AS list',
      {
        parameters: {
          param_text: hostile.replaceAll('\\', '\\\\'),
          param_number: '41',
          param_list: "['a','b']",
          default_format: 'JSONEachRow',
        },
      },
    );
    expect(JSON.parse(answer.text)).toEqual({ text: hostile, number: 42, list: ['a', 'b'] });
    expect((await read('SELECT {missing:String}')).headers.get('x-clickhouse-exception-code')).toBe('456');
  });

  it('sets a setting for one statement and for no other', async () => {
    const asked = "SELECT getSetting('max_block_size')";
    const usual = (await write(asked)).text;
    expect((await write(asked, { parameters: { max_block_size: '77' } })).text).toBe('77\n');
    expect((await write(asked)).text).toBe(usual);
    await write('SET max_block_size = 55');
    expect((await write(asked)).text).toBe(usual);
  });

  it('deduplicates by a token in the statement or the URL, and only the insert that names it', async () => {
    await write(
      'CREATE TABLE tokens (id UInt64) ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 100',
    );
    const parameters = { insert_deduplication_token: 'one' };
    for (let i = 0; i < 2; i++) await write('INSERT INTO tokens FORMAT CSV', { body: '1\n', parameters });
    const inStatement = "INSERT INTO tokens SETTINGS insert_deduplication_token = 'two' FORMAT CSV";
    for (let i = 0; i < 2; i++) await write(inStatement, { body: '2\n' });
    for (let i = 0; i < 2; i++) await write('INSERT INTO tokens FORMAT CSV', { body: `3${i}\n` });
    expect((await read('SELECT groupArray(id) FROM (SELECT id FROM tokens ORDER BY id)')).text).toBe('[1,2,30,31]\n');
  });

  it('knows its users by basic auth, by headers and by the URL, and one way at a time', async () => {
    const { user, password } = stack.connection.clickhouse;
    const byHeaders = { 'x-clickhouse-user': user, 'x-clickhouse-key': password };
    expect((await ask(url, 'SELECT 1', { headers: byHeaders })).status).toBe(200);
    expect((await ask(url, 'SELECT 1', { parameters: { user, password } })).status).toBe(200);
    const none = await ask(url, 'SELECT 1');
    expect([none.status, none.headers.get('x-clickhouse-exception-code')]).toEqual([401, '194']);
    expect(none.headers.get('www-authenticate')).toMatch(/^Basic/);
    const wrong = await ask(url, 'SELECT 1', { parameters: { user, password: 'x' } });
    expect([wrong.status, wrong.headers.get('x-clickhouse-exception-code')]).toEqual([403, '516']);
    expect((await read('SELECT 1', { headers: byHeaders })).status).toBe(403);
  });

  it("answers faults with ClickHouse's code, status and text", async () => {
    const faults = [
      ['SELEC 1', 62, 400, 'SYNTAX_ERROR'],
      ['SELECT nothing', 47, 404, 'UNKNOWN_IDENTIFIER'],
      ['SELECT * FROM nothing', 60, 404, 'UNKNOWN_TABLE'],
      ['SELECT * FROM nothing.nothing', 81, 404, 'UNKNOWN_DATABASE'],
      ['SELECT nonsense(1)', 46, 404, 'UNKNOWN_FUNCTION'],
      ['SELECT 1 FORMAT Nothing', 73, 404, 'UNKNOWN_FORMAT'],
      ['SELECT 1 SETTINGS nothing = 1', 115, 404, 'UNKNOWN_SETTING'],
      ["SELECT toUInt8('x')", 6, 400, 'CANNOT_PARSE_TEXT'],
      ['SELECT throwIf(1)', 395, 500, 'FUNCTION_THROW_IF_VALUE_IS_NON_ZERO'],
      ['SELECT 1; SELECT 2', 62, 400, 'SYNTAX_ERROR'],
      ['   ', 62, 400, 'SYNTAX_ERROR'],
    ] as const;
    for (const [statement, code, status, name] of faults) {
      const answer = await read(statement);
      const said = [statement, answer.status, answer.headers.get('x-clickhouse-exception-code')];
      expect(said).toEqual([statement, status, String(code)]);
      expect(answer.text).toMatch(
        new RegExp(`^Code: ${code}\\. DB::Exception: [^]*\\(${name}\\)[^]*\\(version 2\\d\\.`),
      );
    }
    const badRow = await write('INSERT INTO rows FORMAT JSONEachRow', { body: '{"id":"x"}' });
    expect([badRow.status, badRow.headers.get('x-clickhouse-exception-code')]).toEqual([400, '27']);
    const setting = await read('SELECT 1', { parameters: { nothing: '1' } });
    expect([setting.status, setting.headers.get('x-clickhouse-exception-code')]).toEqual([404, '115']);
  });

  it('takes gzip in and gives gzip out where it is asked for, and says what is no gzip', async () => {
    const body = new Uint8Array(gzipSync('{"id":100,"name":"zipped"}\n'));
    const headers = { 'content-encoding': 'gzip' };
    const inserted = await write('INSERT INTO rows FORMAT JSONEachRow', { body, headers });
    expect(inserted.summary).toMatchObject({ written_rows: '1' });
    const raw = await readRaw('SELECT name FROM rows WHERE id = 100', { enable_http_compression: '1' });
    expect(raw.encoding).toBe('gzip');
    expect(gunzipSync(raw.body).toString()).toBe('zipped\n');
    expect((await readRaw('SELECT 1', {})).encoding).toBeUndefined();
    const broken = await write('INSERT INTO rows FORMAT JSONEachRow', { body: 'not gzip', headers });
    expect([broken.status, broken.headers.get('x-clickhouse-exception-code')]).toEqual([400, '271']);
    const unknown = await write('SELECT 1', { body: 'x', headers: { 'content-encoding': 'zstd' } });
    expect([unknown.status, unknown.headers.get('x-clickhouse-exception-code')]).toEqual([501, '48']);
  });

  it('refuses a body over the limit, also one that is so only unzipped, and serves the next request', async () => {
    const large = 'x'.repeat(BODY_BYTES_MAX + 1);
    for (const [body, headers] of [
      [large, {}],
      [new Uint8Array(gzipSync(large)), { 'content-encoding': 'gzip' }],
    ] as const) {
      const answer = await write('INSERT INTO rows FORMAT TabSeparated', { body, headers });
      expect([answer.status, answer.headers.get('x-clickhouse-exception-code')]).toEqual([413, '290']);
      expect(answer.text).toMatch(/over the limit of 1048576 bytes/);
    }
    expect((await read('SELECT 1')).text).toBe('1\n');
  });

  function readRaw(
    query: string,
    parameters: Record<string, string>,
  ): Promise<{ body: Buffer; encoding: string | undefined }> {
    const { user, password } = stack.connection.clickhouse;
    const search = new URLSearchParams({ query, ...parameters });
    const options = { auth: `${user}:${password}`, headers: { 'accept-encoding': 'gzip' } };
    return new Promise((resolve, reject) => {
      get(`${url}/?${search.toString()}`, options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          resolve({ body: Buffer.concat(chunks), encoding: response.headers['content-encoding'] });
        });
      }).on('error', reject);
    });
  }
});
