import { disableReason } from './rules/disable-reason.mjs';
import { drivers } from './rules/drivers.mjs';
import { environment } from './rules/environment.mjs';
import { fileName } from './rules/file-name.mjs';
import { layers } from './rules/layers.mjs';
import { noCycles } from './rules/no-cycles.mjs';
import { noSkippedTests } from './rules/no-skipped-tests.mjs';
import { functionLines, parameters } from './rules/size.mjs';

/** The rules of this house that no published plugin has. */
export const weir = {
  meta: { name: 'weir' },
  rules: {
    'disable-reason': disableReason,
    drivers,
    environment,
    'file-name': fileName,
    'function-lines': functionLines,
    layers,
    'no-cycles': noCycles,
    'no-skipped-tests': noSkippedTests,
    parameters,
  },
};
