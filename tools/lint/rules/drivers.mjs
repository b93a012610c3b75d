import { builtinModules } from 'node:module';
import { DRIVER_FREE, DRIVERS } from '../drivers.mjs';
import { matchesAny, pathInRepository } from '../paths.mjs';
import { importVisitor, packageOf } from './imports.mjs';

/** A driver is imported only where the table of drivers says. */
export const drivers = {
  meta: {
    type: 'problem',
    schema: [],
    messages: { misplaced: "'{{source}}' is imported only in {{places}}: {{reason}}." },
  },
  create(context) {
    const path = pathInRepository(context.filename);
    if (matchesAny(path, DRIVER_FREE)) return {};
    return importVisitor(({ source, node }) => {
      const name = builtinModules.includes(source) ? `node:${source}` : packageOf(source);
      if (name === undefined) return;
      for (const row of DRIVERS) {
        if (!row.packages.some((driver) => isPackage(name, driver)) || matchesAny(path, row.places)) continue;
        context.report({
          node,
          messageId: 'misplaced',
          data: { source, places: row.places.join(', '), reason: row.reason },
        });
      }
    });
  },
};

function isPackage(name, driver) {
  return driver.endsWith('/*') ? name.startsWith(driver.slice(0, -1)) : name === driver;
}
