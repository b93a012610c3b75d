import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { PriceRecord } from '@weir/contracts';
import { PriceBookError, parsePriceBook } from '@weir/money';
import { parse } from 'yaml';

/**
 * Reads every `*.yaml` of a folder.
 *
 * @throws PriceBookError where a file is not a price list, or two files give the same version.
 */
export async function readPriceLists(folder: string): Promise<readonly PriceRecord[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.yaml')).sort();
  if (files.length === 0) throw new PriceBookError(folder, ['there is no price list']);
  const records: PriceRecord[] = [];
  const seenIn = new Map<string, string>();
  for (const file of files) {
    for (const record of parsePriceBook(file, parseYaml(file, await readFile(join(folder, file), 'utf8')))) {
      const other = seenIn.get(record.priceVersion);
      if (other !== undefined) throw new PriceBookError(file, [`${record.priceVersion} is in ${other} too`]);
      seenIn.set(record.priceVersion, file);
      records.push(record);
    }
  }
  return records;
}

function parseYaml(file: string, text: string): unknown {
  try {
    return parse(text) as unknown;
  } catch (error) {
    throw new PriceBookError(file, [error instanceof Error ? error.message : String(error)]);
  }
}
